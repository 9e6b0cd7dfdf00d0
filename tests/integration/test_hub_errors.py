"""What can go wrong between the profile ``sd15`` and a hub: one clear sentence each, and soon."""

import shutil

import pytest
from huggingface_hub import constants

from pipeline import download, hub
from pipeline.download import Patience
from pipeline.errors import ModelMissing
from tests.hub_server import Fault, Repo
from tests.integration.pulling import HASTE, UNET, run


def test_a_file_that_the_repository_lacks_is_named_before_anything_is_fetched(profile, served, here):
    (served.repos[0].folder / UNET).unlink()
    with pytest.raises(ModelMissing, match=rf"stable-diffusion-v1-5 has no {UNET}.*451f4fe.*models.base.*'sd15'"):
        hub.pull(profile, patience=HASTE)
    assert served.asked == []


def test_a_repository_with_pickles_only_is_refused(profile, served, here):
    (served.repos[2].folder / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match=r"has no model\.safetensors"):
        hub.pull(profile, patience=HASTE)


def test_a_file_that_is_listed_but_gone_is_named(profile, served, here):
    served.faults.append(Fault(kind="missing", path="vae/config.json", times=9))
    with pytest.raises(ModelMissing, match=r"lists .*vae/config\.json but does not have it"):
        hub.pull(profile, patience=HASTE)


def test_too_small_a_disk_is_said_up_front(profile, served, here):
    served.faults.append(Fault(kind="huge", path=UNET))
    with pytest.raises(ModelMissing, match=r"1000000\d\d\d MB are to be fetched, but only \d+ MB are free.*HF_HOME"):
        hub.pull(profile, patience=HASTE)
    assert served.asked == []


def test_a_busy_hub_is_asked_again_and_in_the_end_reported(profile, served, here):
    served.faults.append(Fault(kind="busy", path=UNET, times=2))
    hub.pull(profile, patience=HASTE)
    assert [asked.status for asked in served.asked_for(UNET)] == [503, 503, 200]
    shutil.rmtree(here)
    served.faults.append(Fault(kind="busy", path="LISTING", times=9))
    with pytest.raises(ModelMissing, match=r"hub answered 503 .*again later"):
        hub.pull(profile, patience=HASTE)


def test_unknown_revision_and_unknown_repository_are_told_apart(profile, served, here):
    served.repos[0] = Repo(name=served.repos[0].name, revision="f" * 40, folder=served.repos[0].folder)
    with pytest.raises(ModelMissing, match="no such revision"):
        hub.pull(profile, patience=HASTE)
    served.repos.clear()
    with pytest.raises(ModelMissing, match="no such repository"):
        hub.pull(profile, patience=HASTE)


def test_offline_with_nothing_cached_is_one_sentence(profile, served, tmp_path):
    code = "from pipeline import errors, hub\ntry: hub.pull(profile)\nexcept errors.ModelMissing as error: print(error)"
    offline = run(profile, code, served.endpoint, tmp_path, HF_HUB_OFFLINE="1")
    assert "stable-diffusion-v1-5 could not be fetched: HF_HUB_OFFLINE is set" in offline.stdout, offline.stderr
    assert len(offline.stdout.splitlines()) == 1
    assert served.asked == []


def test_an_unreachable_hub_is_one_sentence(profile, served, here, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    with pytest.raises(ModelMissing, match=r"127\.0\.0\.1:9 does not answer.*go online.*stickers models pull sd15"):
        hub.pull(profile, patience=Patience(retries=1, wait_s=0.01))


def test_an_address_that_is_no_hub_is_told(profile, served, here, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", f"{served.endpoint}/page")
    with pytest.raises(ModelMissing, match=r"/page is no hub .*HF_ENDPOINT"):
        hub.pull(profile, patience=HASTE)


def test_a_missing_model_names_the_command_that_fetches_it(profile, here):
    with pytest.raises(ModelMissing, match=r"'sd15': the caption model.*lacks config\.json.*stickers models pull sd15"):
        hub.local_folder(profile, "caption")


def test_who_is_offline_is_told_within_20_seconds(profile, served, here, monkeypatch):
    """With the patience of the product: retries after 1, 2 and 4 s, then no more; a hang of 10 s is asked but once."""
    clock, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(download.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(download.time, "sleep", sleep)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelMissing, match="does not answer"):
        hub.pull(profile)
    assert slept == [1, 2, 4]
    slept.clear()

    def hangs(*_, **__):
        clock[0] += constants.HF_HUB_ETAG_TIMEOUT
        raise hub.httpx.ConnectTimeout("timed out")

    monkeypatch.setattr(hub.HfApi, "model_info", hangs)
    began = clock[0]
    with pytest.raises(ModelMissing, match=r"does not answer \(timed out\)"):
        hub.pull(profile)
    assert clock[0] - began <= 20


def test_a_hub_that_was_reached_is_waited_for_longer(profile, served, here, monkeypatch):
    """Half-way through gigabytes, half a minute without network ends nothing."""
    slept = []
    monkeypatch.setattr(download.time, "sleep", slept.append)
    served.faults.append(Fault(kind="busy", path=UNET, times=5))
    hub.pull(profile)
    assert slept == [1, 2, 4, 8, 16]
