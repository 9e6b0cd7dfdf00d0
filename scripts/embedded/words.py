"""The vocabularies of the embedded models: a CLIP byte-pair tokenizer and a BERT word-piece one, from the art's names.

Loads tokenizers and transformers.
"""

from __future__ import annotations

import json
from pathlib import Path
from string import ascii_lowercase, digits

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import BertTokenizer, CLIPTokenizer

CLIP_VOCABULARY = 2048
CLIP_LENGTH = 24  # tokens a prompt; longer ones are cut
BERT_VOCABULARY = 2048
END_OF_WORD = "</w>"


def clip_tokenizer(captions: list[str]) -> CLIPTokenizer:
    """A CLIP tokenizer whose merges are learned from ``captions``; any other text falls apart into bytes."""
    blank = CLIPTokenizer()
    trained = Tokenizer(models.BPE(end_of_word_suffix=END_OF_WORD))
    trained.normalizer = blank.backend_tokenizer.normalizer
    trained.pre_tokenizer = blank.backend_tokenizer.pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=CLIP_VOCABULARY - len(alphabet) - 2,
        end_of_word_suffix=END_OF_WORD,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    trained.train_from_iterator(captions, trainer)
    model = json.loads(trained.to_str())["model"]
    # Special tokens last, as in CLIP: its text model pools at the highest id.
    endings = [letter + END_OF_WORD for letter in alphabet]
    vocabulary = dict(model["vocab"])
    for token in (*endings, "<|startoftext|>", "<|endoftext|>"):
        vocabulary.setdefault(token, len(vocabulary))
    merges = [tuple(pair) for pair in model["merges"]]
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CLIP_LENGTH)


def bert_tokenizer(captions: list[str]) -> BertTokenizer:
    """A BERT tokenizer with BLIP's two extra tokens, its pieces learned from ``captions``."""
    blank = BertTokenizer()
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = blank.backend_tokenizer.normalizer
    trained.pre_tokenizer = blank.backend_tokenizer.pre_tokenizer
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=BERT_VOCABULARY,
        special_tokens=special,
        initial_alphabet=list(ascii_lowercase + digits),
        show_progress=False,
    )
    trained.train_from_iterator(captions, trainer)
    return BertTokenizer(vocab=trained.get_vocab(), bos_token="[DEC]", additional_special_tokens=["[ENC]"])


def save(tokenizer: CLIPTokenizer | BertTokenizer, folder: Path) -> None:
    """Write a tokenizer in the transformers layout."""
    tokenizer.save_pretrained(folder)
