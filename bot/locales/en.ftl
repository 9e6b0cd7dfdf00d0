# Every sentence of the chat, in English. The other languages have the same keys and values; a test looks.

## Commands, as Telegram's menu shows them

command-start = Get started
command-new = Start a new style
command-styles = My styles
command-packs = My packs
command-status = What's in progress
command-cancel = Cancel a job
command-help = What I can do
command-settings = Settings
command-privacy = What I keep, and for how long
command-mydata = Get a copy of my data
command-deletedata = Delete all my data

## Beginning

start =
    Hi, { $name }! 👋 I turn your photos into stickers, drawn in the style of a pack you like.

    1. Send me a sticker from that pack, and I'll learn its style.
    2. Send me a photo, and it'll come back as your very own sticker.
help =
    Send me a sticker from a pack, a link to it, a zip or a few pictures, and I'll learn the style. Then send photos, one by one or as an album, or just name something (“a rocket”), and I'll turn each into a transparent sticker. Its buttons redraw it, show variants to choose from, change its words or emoji, and add it to a pack of your own.

    /new – start a new style from pictures
    /styles – choose a style, teach it more, rename or delete it
    /packs – look at your packs, rename or delete them
    /status – see what's in progress
    /cancel – cancel something
    /settings – language, files, outline
    /privacy – what I keep, and for how long
    /mydata – get a copy of everything I keep about you
    /deletedata – delete all your data
hint = Sorry, I didn't get that. Send me a sticker or a photo, or see /help.

## Settings

settings = Settings: the language I speak, how your drawings arrive, and whether they have an outline. ✓ marks your choice.
settings-kept = Got it, that's how it'll be from now on
settings-auto = Same as Telegram
language-chosen = Sure, English it is!
language-auto = Sure, I'll go by your Telegram's language.

## Privacy

privacy =
    What I keep: the pictures you send, the style I learned from them, your stickers and your settings. Your pictures and words are stored encrypted, and the key isn't stored among them.

    What for: to make your stickers, and nothing else. I only learn a style once you've agreed. It's yours alone, and no shared model learns from it.

    How long: jobs and their pictures for { $days ->
        [one] { $days } day
       *[other] { $days } days
    } after they're done; styles until you delete them.

    /deletedata deletes all of it at once. So that nobody can get around the limits that way, three numbers stay until they expire on their own: how many jobs you started in the last day, how often your words were refused in that time (not the words themselves), and, if I'm not answering you, until when.

## Deleting

delete-ask = Delete all your data: pictures, styles, stickers, jobs and settings? This can't be undone. Packs in Telegram are yours and will stay; if you want those gone too, use /packs first.
delete-yes = Delete everything
delete-no = Keep it
delete-kept = OK, nothing was deleted.
delete-done =
    { $jobs ->
        [0] All your data has been deleted.
        [one] All your data has been deleted, including one job.
       *[other] All your data has been deleted, including { $jobs } jobs.
    }
delete-soon =
    { $left ->
        [one] One job is still being stopped; it'll be deleted right after that.
       *[other] { $left } jobs are still being stopped; they'll be deleted right after that.
    }

## Buttons that are worth nothing

button-foreign = This button isn't yours.
button-old = This button is out of date.
button-forged = I don't know this button.

## When something goes wrong

sorry-parked = Sorry, I couldn't handle your last message, even after several tries. The operator has been told. Please try something else.
sorry-not-sent = Sorry, I made something for you but couldn't send it. The operator has been told.
sorry-file-gone = Sorry, I no longer have a picture I wanted to send you.
repeat-mark = ↻ Sent again: I don't know whether it arrived the first time.
repeat-why = I sent this sticker a second time because I couldn't tell whether the first one arrived. If you see two, they're the same: use either one.

## Teaching a style

how =
    1. Send me a sticker from a pack you're allowed to use, or its link (t.me/addstickers/…). A zip, or 3 to 60 pictures one by one, will do too.
    2. I'll learn its style. That takes a while, and you'll see how far I've got.
    3. Send a photo or name something: I'll draw it as a sticker in that style, and you can add it to a pack of your own.
set-unknown = I can't find the pack { $name }. Please check the link, or send me one of its stickers.
set-small = “{ $title }” has { $count ->
        [one] only one sticker
       *[other] only { $count } stickers
    }; I need at least { $least } to see a style. Please send another pack.
ask-set = Learn the whole pack “{ $title }” ({ $count })?
ask-most = I'll take the first { $most }.
ask-zip = Learn the style of the pictures in { $name }?
ask-dropped = OK, I won't learn anything. Send me another pack whenever you like.
file-large = { $name } is too large: Telegram only gives me files of up to { $most } MB. Please send a smaller one.
consent =
    Before I learn: I'd train a style on these pictures. It's for you alone and won't go into any shared model.

    Please only use packs you have the right to use: your own, or others with their author's consent.

    You can take your consent back at any time in /privacy, and delete everything with /deletedata.
collect-begin = A new style! Send me pictures or single stickers in it, at least { $least }, one by one or as an album. A zip or a link to a whole pack will do too.
collect-few = { $count ->
        [one] One picture so far.
       *[other] { $count } pictures so far.
    } { $more ->
        [one] Send one more in the same style, and I can learn it.
       *[other] Send { $more } more in the same style, and I can learn it.
    } Or send a sticker from a ready-made pack.
collect = { $count ->
        [one] One picture.
       *[other] { $count } pictures.
    } Send more, or have me learn their style: the more, the better.
collect-full = { $count ->
        [one] One picture: that's as many as I can take.
       *[other] { $count } pictures: that's as many as I can take.
    } Shall I learn their style?
collect-as-files = Pictures that you send as files keep their transparency.
collect-dropped = OK, I won't learn anything, and I've forgotten those pictures. Use /new to start a style over.
collect-anew = I've forgotten those pictures. Send me others that share one style, at least { $least }, one by one or as an album.
collect-left = OK, no new style then.
collect-or-draw = { $count ->
        [one] Or is it a photo you'd like me to draw? You don't have a style yet: press below, and I'll keep it until you do.
       *[other] Or are they photos you'd like me to draw? You don't have a style yet: press below, and I'll keep them until you do.
    }
wanted = { $count ->
        [one] I'll keep this photo and draw it
       *[other] I'll keep these { $count } photos and draw them
    } as soon as I've learned a style. Now show me one: send a sticker from a pack you like, or its link.
wanted-most = { $over ->
        [one] That makes { $most }, which is all I can keep, so the last photo was left out.
       *[other] That makes { $most }, which is all I can keep, so the last { $over } photos were left out.
    } Please send what's missing once I've learned the style.
failed-held = I've kept what you sent me to draw, and I'll draw it as soon as I've learned a style.
wanted-dropped = { $count ->
        [one] OK, I've forgotten that photo.
       *[other] OK, I've forgotten those { $count } photos.
    }
choice = You've { $kept ->
        [0] started a new style, with no pictures so far.
        [one] started a new style, with one picture so far.
       *[other] started a new style, with { $kept } pictures so far.
    } { $count ->
        [one] What's this picture for?
       *[other] What are these { $count } pictures for?
    }
more-begin = I learned “{ $title }” from { $old ->
        [one] one picture, which I still have.
       *[other] { $old } pictures, which I still have.
    } Send me more in the same style: pictures, stickers, or a link to a whole pack.
more = I'd learn “{ $title }” again from { $old ->
        [one] the one picture I have
       *[other] the { $old } pictures I have
    } and { $count ->
        [one] one new one.
       *[other] { $count } new ones.
    } Send more, or let me start. Until I'm done, I'll keep drawing as before.
more-full = I'd learn “{ $title }” again from { $old ->
        [one] the one picture I have
       *[other] the { $old } pictures I have
    } and { $count ->
        [one] one new one.
       *[other] { $count } new ones.
    } That's as many as I can take.
more-busy = I'm already learning more of “{ $title }”. Once that's done, you can teach me even more.
more-gone = I no longer have the pictures I learned “{ $title }” from, so I can't learn any more of it. Send them again, old and new, as a new style: /new
more-most = I've already learned “{ $title }” from { $count ->
        [one] one picture
       *[other] { $count } pictures
    }: that's as many as I can take.
more-dropped = OK, “{ $title }” stays as it is.
title-own = My style
learn-gone = That pack is gone. Please send another one.
learn-bad-zip = I can't open that zip: it's damaged, or it isn't a zip. Please zip the pictures again, or send them one by one.
learn-large-zip = That zip is too much for me: it has more than { $most } files, or unpacks to more than { $size } MB. Zip fewer pictures, or send them one by one.
learn-too-few = { $usable ->
        [0] I can't use any of these pictures,
        [one] I can use only one of these pictures,
       *[other] I can use only { $usable } of these pictures,
    } and I need at least { $least }. I haven't learned anything; please send them all again with more, or another pack.
left-out = { $count ->
        [one] One file was left out:
       *[other] { $count } files were left out:
    }
left-out-more = { $count ->
        [one] … and one more.
       *[other] … and { $count } more.
    }
why-large = larger than 20 MB
why-pixels = too many pixels for me
why-unreadable = not a picture I can read
why-away = Telegram didn't give it to me
why-outside = its name points outside the zip
why-link = not a picture, but a link to another file
why-locked = locked with a password
why-bomb = it unpacks to far more than a picture would
too-many-jobs = You've got as many jobs in progress as one person can have. Wait until one is done, or /cancel one; then send it again.

## How far it is

status-fetching-begun = “{ $title }”: fetching the pictures …
status-fetching = “{ $title }”: fetching the pictures, { $done } of { $total }.
status-learn-queued = “{ $title }”: { $ahead ->
        [0] next in line, as soon as I have a free hand.
        [one] waiting in line, one job ahead.
       *[other] waiting in line, { $ahead } jobs ahead.
    }
status-learn = I'm learning the style of “{ $title }”.
status-held = { $count ->
        [one] I'll keep this and draw it as soon as I've learned “{ $title }”.
       *[other] I'll keep these { $count } photos and draw them as soon as I've learned “{ $title }”.
    }
status-draw-begun = { $count ->
        [one] I'm drawing it in the style of “{ $style }” …
       *[other] I'm drawing all { $count } in the style of “{ $style }” …
    }
status-draw-queued = { $count ->
        [one] Your sticker:
       *[other] Your { $count } stickers:
    } { $ahead ->
        [0] next in line.
        [one] waiting in line, one job ahead.
       *[other] waiting in line, { $ahead } jobs ahead.
    }
status-draw = { $count ->
        [one] I'm drawing your sticker.
       *[other] I'm drawing your { $count } stickers.
    }
time-seconds = about { $seconds } s
time-minutes = about { $minutes } min
learned-status = I've learned “{ $title }” from { $used ->
        [one] one picture.
       *[other] { $used } pictures.
    }
learned-over = { $over ->
        [one] One was over my limit.
       *[other] { $over } were over my limit.
    }
learned = Done! I know the style of “{ $title }” now. Send me a photo, or tell me what to draw (“a pineapple”), and I'll make a sticker of it. You can add words to a photo as its caption.
learned-more = Done! I know the style of “{ $title }” better now. Send me a photo and see.
learned-next = Done! I know the style of “{ $title }” now, and I'm drawing what you sent in the meantime.

## When a job does not get there

stopped-short = That didn't work out; see below.
learn-failed = I couldn't learn the style of “{ $title }”.
draw-failed = I couldn't draw this sticker.
failed-pack-size = Fewer than 3 of its pictures differ from each other, so I can't see a style. Your other styles are untouched; please send a pack with more variety.
failed-picture = I can't use one of the pictures. Please send another one, or save this one again and resend it.
failed-memory = There wasn't enough memory for it. I've kept your pictures: try again in a while.
failed-style = The style doesn't fit the model I'm running now. I've kept your pictures; please have me learn the pack again.
failed-other = Something went wrong on our side. I've kept your pictures, so you don't need to send them again.
retrying = I'm trying again; you don't need to send anything.
errand-sorry = Sorry, Telegram didn't let me do that, even after several tries. Nothing of yours has changed; please try again later.
cancelled-by-operator = The operator cancelled this job. Please try again later.
cancelled-learn = Cancelled, and nothing was learned. Send the pack again whenever you like.
cancelled-draw = Cancelled. Send it again whenever you like.
retry-no-consent = You took your consent back. Show me the pack again, and I'll ask you once more.
retry-style-gone = That style was deleted, so there's nothing to try again.
retry-style-more = “{ $title }” has learned other pictures since, and would lose them. Press “Learn more” in /styles, and send me these again.
cancelled-notice = Cancelled
cancel-late = Too late, that's already over.
cancel-none = There's nothing to cancel right now.
cancel-done = Cancelled: { $what }.
cancel-which = Which one should I cancel?
job-learn = learning “{ $title }”
job-learn-queued = waiting to learn “{ $title }”
job-draw = { $count ->
        [one] drawing a photo
       *[other] drawing { $count } photos
    }
job-draw-queued = { $count ->
        [one] a photo waiting in line
       *[other] { $count } photos waiting in line
    }
job-draw-words = drawing “{ $words }”
job-draw-words-queued = “{ $words }”, waiting in line
job-style = in “{ $style }”
job-held = { $count ->
        [one] a photo waiting for the style “{ $title }”
       *[other] { $count } photos waiting for the style “{ $title }”
    }
job-held-words = “{ $words }”, waiting for the style “{ $title }”
since-seconds = for { $seconds } s
since-minutes = for { $minutes } min
since-hours = for { $hours } h
listed-over = None of this is in progress any more.
status-none = Nothing's in progress right now.
status-open = { $count ->
        [one] One job is in progress:
       *[other] { $count } jobs are in progress:
    }
status-style = I'm using the style “{ $style }”. /styles shows them all.
status-first-style = “{ $title }” will be your first style, once I've learned it.
status-no-style = You don't have a style yet: send me a sticker from a pack.

## Drawing

draw-unreadable = I can't draw from this file. Please send a photo, or a PNG, WEBP or JPEG as a file.
first-sticker =
    🎉 Your first sticker! Here it is again as a file with a transparent background, to use anywhere.
    The buttons below the sticker redraw it, change its words or emoji, and add it to a pack.
variants = { $count ->
        [one] Here's one more like it.
       *[other] Here are { $count } more like it.
    } Press a number, and that one comes as a sticker.
variant-there = You already have that one, it's below
photo-name = photo { $number }
words-ask = I drew this one with the words “{ $words }”. Send me other words, and I'll draw it again; just naming the thing works best.
words-ask-whole = I drew this one from the words “{ $words }”. Name what I should draw instead, like “a penguin”; just naming the thing works best.
words-ask-first = Send me words for this drawing, and I'll draw it again; just naming the thing works best, like “a penguin”. Any emoji among them become the sticker's.
sticker-gone = I no longer have that sticker. Send its photo again, and I'll draw a new one.
question-dropped = OK, I'll leave it as it is.
question-closed = OK, I'm no longer waiting for your answer.
words-unknown = I can't tell what to draw from these words. Name something, like “a pineapple” or 🚀, or send me a photo; you can add words as its caption.
drawing-already = I'm already drawing it …
held-photos = { $count ->
        [one] I can't draw the photo I kept:
       *[other] I can't draw the { $count } photos I kept:
    }
held-words = I can't draw “{ $words }”:
held-cancelled = the style “{ $title }” was cancelled. Show me another pack, then send me again what you'd like drawn.
held-unlearned = I couldn't learn the style “{ $title }”. Show me another pack, then send me again what you'd like drawn.
words-first = Show me a style first: send a sticker from a pack, or its link. Then send photos or name something, and I'll draw it.
style-gone = This sticker's style was deleted. Please show me the pack again, or choose another style with /styles.
strongest = That's as strong as it gets.
weakest = That's as close as it gets to what it was drawn from.
emoji-how = Choose one, or send up to { $most } emoji.
emoji-set = The sticker's emoji: { $emoji }
emoji-for-what = Nice! To give a sticker its emoji, press the emoji button below it first.

## Packs

pack-title = { $style } – stickers
adding = Adding …
add-gone = That pack is gone. The buttons are up to date now: please press again.
add-there = You already have the pack “{ $title }”. The buttons now show it next to a new one: please press again.
add-making = I'm already making your new pack. Once it's on the buttons, please press again.
undoing = Taking it out …
pack-made = Your new pack “{ $title }” is ready, with this sticker in it: { $link }
pack-added = Added to “{ $title }”, { $count ->
        [one] which now has one sticker
       *[other] which now has { $count } stickers
    }: { $link }
pack-anew = “{ $title }” had been deleted, so I made it again with this sticker: { $link }
pack-already = This sticker is already in “{ $title }”.
pack-full = “{ $title }” is full: a pack can have 120 stickers at most. I've kept the sticker; shall I start a new pack?
pack-refused = Telegram wouldn't take this sticker into a pack. I've kept it; please try again later, or with a new pack.
undone = Taken back out of “{ $title }”. The sticker itself is still here, above.
undone-gone = “{ $title }” is gone, as this was its only sticker. The sticker itself is still here, above.
packs = { $count ->
        [one] Here's your pack. Press it to look at it, rename or delete it:
       *[other] Here are your { $count } packs, the one in use first. Press one to look at it, use, rename or delete it:
    }
pack = “{ $title }”, { $count ->
        [0] empty
        [one] one sticker
       *[other] { $count } stickers
    }: { $link }
pack-used = From now on, new stickers go to “{ $title }”.
pack-name = What would you like to call the pack “{ $title }”? Send me the name; the link stays the same.
pack-named = The pack is called “{ $title }” now. Telegram may still show the old name for a while.
pack-last-out = I've taken the last sticker out of “{ $title }”.
pack-last-already = That one's already out
pack-changed = The pack has changed in the meantime: please look again.
pack-drop = Delete “{ $title }” { $count ->
        [0] for everyone?
        [one] with its sticker, for everyone who added it?
       *[other] with its { $count } stickers, for everyone who added it?
    } This can't be undone; what I drew stays here in the chat.
pack-dropped = “{ $title }” has been deleted.
pack-elsewhere = “{ $title }” is gone: it was deleted in Telegram. I've taken it off the list; your stickers are still here.
pack-not-changed = Telegram wouldn't let me change this pack. Nothing has changed; please try again later.
pack-begun = I've already started “{ $title }” with this sticker.
packs-none = You don't have any packs yet. Press “New pack” below a sticker, and I'll make one.

## Styles

styles = { $count ->
        [one] You have one style, “{ $style }”. Press it to teach it more, rename or delete it; /new starts another one.
       *[other] You have { $count } styles, and I'm using “{ $style }”. Press one to use it, teach it more, rename or delete it; /new starts another one.
    }
styles-none = You don't have a style yet. Send me a sticker from a pack, or its link.
style = From now on I'll draw in the style of “{ $title }”, learned from { $pictures ->
        [one] one picture.
       *[other] { $pictures } pictures.
    }
style-used = I'm using “{ $title }” now
style-name = What would you like to call “{ $title }”? Send me the name.
style-none = That style is gone. /styles shows them all.
style-named = It's called “{ $title }” now.
style-drop = Delete “{ $title }”? I'd have to learn it again; your stickers stay.
style-dropped = “{ $title }” has been deleted.
dropped-draw = The style “{ $title }” was deleted, so I won't draw this.
dropped-learn = “{ $title }” was deleted, so I won't learn any more of it.
revoked-already = You've already taken your consent back.
revoked = Done, your consent is taken back: I won't learn from any pictures until you agree again. What I've learned stays until you delete it: /styles, or /deletedata for everything.

## Buttons

key-how = How do I begin?
key-learn = Learn it
key-few = Only this sticker, plus my own pictures
key-not-now = Not now
key-agree = I agree, learn it
key-revoke = Take my consent back
key-learn-these = { $count ->
        [one] Learn this one
       *[other] Learn these { $count }
    }
key-start-over = Start over
key-learn-more = Learn more
key-learn-again = { $count ->
        [one] Learn again, from this one
       *[other] Learn again, from all { $count }
    }
key-draw = { $count ->
        [one] Draw it
       *[other] Draw them
    }
key-draw-later = { $count ->
        [one] Draw it later
       *[other] Draw them later
    }
key-collect = { $count ->
        [one] It belongs to the new style
       *[other] They belong to the new style
    }
key-repeat = ↻ Sent again
key-cancel = Cancel
key-cancel-one = Cancel { $number }: { $what }
key-retry = Try again
key-another = 🔄 Another
key-variants = 🎲 More like this
key-others = { $count ->
        [one] 🎲 Another one
       *[other] 🎲 { $count } others
    }
key-words = ✏️ Words
key-wordless = Without words
key-file = 📄 File
key-never-mind = Never mind
key-both = Sticker and file
key-sticker-only = Sticker only
key-file-only = File only
key-outlined = Outline: on
key-not-outlined = Outline: off
key-weaker = Weaker
key-stronger = Stronger
key-outline = With outline
key-no-outline = Without outline
key-emoji = Emoji { $emoji }
key-add = ➕ Add to { $pack }
key-new-pack = New pack
key-open-pack = Open the pack
key-undo = Undo
key-back = ← Back
key-rename = Rename
key-use-pack = Use for new stickers
key-remove-last = Remove the last sticker
key-delete-pack = Delete the pack
key-delete = Delete

## A copy of everything

mydata-soon = I'm gathering everything I keep about you; you'll get it as a file in a moment.
mydata-done = Everything I keep about you: pictures, styles, stickers, settings and what you agreed to.
mydata-part = Part { $number } of { $count }.
mydata-left = { $count ->
        [one] One file didn't fit; the operator can give it to you.
       *[other] { $count } files didn't fit; the operator can give them to you.
    }
private-only = That's for your eyes only: please ask me in our own chat.
key-write-me = Message me

## What may not be, and until when

too-fast = That was a lot at once: I'll answer the first part and skip the rest. Please send the rest again in a few seconds, a little more slowly.
refused-words = I won't draw that: sexual or hateful words are refused here. I haven't started anything, and I haven't kept your words.
strikes-left = { $left ->
        [one] Once more within a day, and I won't answer you for a day.
       *[other] { $left } more times within a day, and I won't answer you for a day.
    }
refused-title = The title or caption has words in it that I don't draw, so I haven't started anything. Please choose another pack or other words.
spent-learn = { $most ->
        [one] I learn one style a day for each person, and yours is used up.
       *[other] I learn { $most } styles a day for each person, and yours are used up.
    } You can go on { $when }; your styles and packs are all still there, and so is my question: just press again then.
spent-draw = { $most ->
        [one] You can have one drawing a day, and you've used it up.
       *[other] You can have { $most } drawings a day, and you've used them up: an album counts as one, and so does a set of variants.
    } You can go on { $when }: send it or press the button again then. Your styles and packs are all still there.
in-minutes = { $minutes ->
        [one] in one minute
       *[other] in { $minutes } minutes
    }
in-hours = { $hours ->
        [one] in one hour
       *[other] in { $hours } hours
    }
closed = I'm under maintenance, so I'm not starting anything new for the moment.
closed-words = The operator says: { $words }
closed-kept = What's in progress goes on, and I've kept everything of yours: styles, stickers, packs, and what I asked you. Please try again later: press the same button, or send it again.
banned = { $days ->
        [0] I won't answer you any more, until the operator lifts the ban.
        [one] I won't answer you for one day.
       *[other] I won't answer you for { $days } days.
    } What was in progress has been cancelled.
banned-still = You can still use /privacy, /mydata and /deletedata.
unbanned = I'm answering you again. Welcome back!

## For the operator

command-stats = Operator: how it's going
command-ban = Operator: stop answering someone
command-unban = Operator: answer someone again
command-maintenance = Operator: no new jobs for a while
stats-people = People: { $all }. Active in 24 hours: { $today }, in 7 days: { $week }. Banned: { $banned }.
stats-made = Styles: { $styles }. Stickers: { $stickers }. Packs: { $packs }.
stats-learn = Learning
stats-draw = Drawing
stats-jobs =
    queued { $queued }, running { $running }
    done { $done }, failed { $failed }, parked { $parked }, cancelled { $cancelled }
stats-times = wait { $wait }, run { $run } (median, 95 %)
stats-workers = Workers: { $workers }. Oldest queued job: { $oldest }.
stats-inbox = Updates: waiting { $waiting }, parked { $parked }.
stats-outbox = Messages: waiting { $pending }, unknown { $unknown }. Oldest waiting: { $oldest }.
stats-seconds = { $seconds } s
stats-minutes = { $minutes } min
ban-how = /ban ID, or /ban ID DAYS (1 to { $most }): the person's Telegram ID, and for how many days; leave the days out to ban for good.
ban-admin = That's an admin: take them out of STICKERS_ADMINS first.
ban-done = { $days ->
        [0] { $person } is banned until you lift the ban.
        [one] { $person } is banned for one day.
       *[other] { $person } is banned for { $days } days.
    } { $jobs ->
        [0] Nothing of theirs was in progress.
        [one] One of their jobs has been cancelled.
       *[other] { $jobs } of their jobs have been cancelled.
    }
ban-unknown = I've never met that person: is the ID right?
unban-how = /unban ID: the person's Telegram ID.
unban-none = { $person } isn't banned.
unban-done = I'm answering { $person } again.
maintenance-on = Maintenance is on: only admins can start jobs, and what's in progress goes on. Anyone who tries is told:
maintenance-off = Maintenance is off: everyone can start jobs again.
maintenance-was-off = Maintenance wasn't on.
maintenance-is-on = Maintenance is on: only admins can start jobs.
maintenance-is-off = Maintenance is off.
maintenance-how = /maintenance on, or /maintenance on WORDS for everyone; /maintenance off
