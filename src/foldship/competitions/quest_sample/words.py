"""Word lists and sentence patterns for the generated QUEST sample; all of it made up for this project."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """One question-and-answer site.

    Attributes:
        host, category: as in the metadata columns.
        things: nouns that questions are about.
        actions: verbs that take one of the things.
        troubles: what a thing does when it goes wrong.
        snippets: code-like blocks, with HTML entities as in the competition's files.
    """

    host: str
    category: str
    things: tuple[str, ...]
    actions: tuple[str, ...]
    troubles: tuple[str, ...]
    snippets: tuple[str, ...] = ()


SITES = (
    Site(
        "network.example.com",
        "TECHNOLOGY",
        ("home router", "mesh access point", "network printer", "backup drive", "video doorbell"),
        ("reset", "configure", "secure", "update", "move"),
        ("lose its connection every evening", "drop packets", "refuse to start", "overheat under load"),
        (
            "$ ping -c 3 10.0.0.1 &amp;&amp; echo ok\n3 packets sent, 1 received",
            "ssid=café\nchannel=11 # &lt;= 13",
        ),
    ),
    Site(
        "desktop.example.com",
        "TECHNOLOGY",
        ("window manager", "screen reader", "photo library", "text editor", "login screen"),
        ("customise", "install", "remove", "restore", "synchronise"),
        ("freeze after waking up", "forget its settings", "show squares for every “ü”", "flicker"),
        ("[Desktop Entry]\nName=Notes &amp; Lists\nExec=notes --dark %u",),
    ),
    Site(
        "code.example.com",
        "STACKOVERFLOW",
        ("sorting function", "web scraper", "date parser", "worker queue", "command line tool"),
        ("test", "refactor", "profile", "cache", "parallelise"),
        ("return an empty list", "throw a null reference", "leak memory", "run slower every time"),
        (
            "for (int i = 0; i &lt; n; i++) {\n    total += values[i] &gt; 0 ? 1 : 0;\n}",
            "def parse(line):\n    return [int(x) for x in line.split(&quot;,&quot;) if x]",
            "queue.push({ id: 7, retry: a &amp;&amp; !b });",
        ),
    ),
    Site(
        "tables.example.com",
        "STACKOVERFLOW",
        ("join query", "nightly import", "unique index", "audit trigger", "reporting view"),
        ("rewrite", "debug", "migrate", "optimise", "schedule"),
        ("lock the whole table", "return duplicate rows", "time out", "ignore accents such as é"),
        ("SELECT id, name\nFROM orders\nWHERE total &gt;= 100 AND note &lt;&gt; '';",),
    ),
    Site(
        "physics.example.com",
        "SCIENCE",
        ("pendulum clock", "soap film", "spinning magnet", "glass prism", "pressure gauge"),
        ("measure", "model", "calibrate", "insulate", "observe"),
        ("slow down in winter", "drift by ±0.3 °C", "change its colour", "ring at a low frequency"),
        ("$E = \\frac{1}{2} m v^2$, with $v \\approx 3 \\times 10^{-2}$ m/s",),
    ),
    Site(
        "garden-biology.example.com",
        "SCIENCE",
        ("fern colony", "compost heap", "bee hotel", "root culture", "pond ecosystem"),
        ("propagate", "sample", "protect", "feed", "relocate"),
        ("turn yellow at the edges", "attract mould", "stop growing", "smell of ammonia"),
    ),
    Site(
        "language.example.com",
        "CULTURE",
        ("subjunctive", "loanword", "silent consonant", "plural form", "honorific"),
        ("pronounce", "translate", "teach", "use", "punctuate"),
        ("sound wrong to native speakers", "change between dialects", "vanish in fast speech"),
    ),
    Site(
        "history.example.com",
        "CULTURE",
        ("trade route", "guild charter", "lighthouse", "stage play", "family crest"),
        ("date", "interpret", "restore", "document", "visit"),
        ("disappear from the records", "contradict the chronicles", "lose its importance"),
    ),
    Site(
        "kitchen.example.com",
        "LIFE_ARTS",
        ("sourdough starter", "cast-iron pan", "tomato sauce", "crème brûlée", "rice cooker"),
        ("season", "reheat", "store", "thicken", "clean"),
        ("burn at the bottom", "taste bitter", "collapse in the oven", "stick to everything"),
    ),
    Site(
        "travel.example.com",
        "LIFE_ARTS",
        ("rail pass", "carry-on bag", "hostel booking", "mountain hike", "ferry ticket"),
        ("plan", "cancel", "pack for", "upgrade", "book"),
        ("cost twice as much at weekends", "get lost on transfer", "sell out at once"),
    ),
)

# What a question asks for: titles, and sentences of the body.
KINDS = {
    "instructions": (
        ("How do I {action} a {thing}?", "How can I {action} my {thing} step by step?"),
        (
            "I need step by step instructions to {action} the {thing}.",
            "Please tell me how to {action} it, one step after the other.",
            "How would I go about it when I want to {action} the {thing}?",
        ),
    ),
    "procedure": (
        ("What is the usual process to {action} a {thing}?", "Standard procedure to {action} a {thing}?"),
        (
            "Is there an established procedure, with its stages, to {action} a {thing}?",
            "I am looking for the official process rather than for a quick trick.",
        ),
    ),
    "reason": (
        ("Why does my {thing} {trouble}?", "What causes a {thing} to {trouble}?"),
        (
            "I would like to understand the reason why the {thing} should {trouble}.",
            "Can somebody explain the cause behind this?",
            "Why would it {trouble}, when the {other} does not?",
        ),
    ),
    "choice": (
        ("Should I {action} a {thing} or a {other}?", "{thing} or {other}: which one to {action}?"),
        (
            "I can pick either the {thing} or the {other}, but not both.",
            "Which of the two options should I choose?",
        ),
    ),
    "compare": (
        ("What is the difference between a {thing} and a {other}?", "{thing} compared with {other}"),
        (
            "How do the {thing} and the {other} compare with each other?",
            "I want to know in which ways the two differ and what they have in common.",
        ),
    ),
    "definition": (
        ("What does the term '{thing}' mean?", "Definition of '{thing}'"),
        (
            "I keep reading the word {thing} and cannot find a definition.",
            "What exactly is meant by the term?",
        ),
    ),
    "entity": (
        ("Who invented the {thing}?", "What is the name of the first {thing}?"),
        (
            "Which person or company is known for the very first {thing}?",
            "I only need the name of whoever made it.",
        ),
    ),
    "consequence": (
        ("What happens if I never {action} a {thing}?", "Consequences of a failed {thing}"),
        (
            "What would be the consequences if nobody were to {action} the {thing}?",
            "Would anything bad happen as a result?",
        ),
    ),
    "opinion": (
        ("What is your favourite {thing}?", "Which {thing} do you recommend?"),
        (
            "What do you personally think is the best {thing}?",
            "I would love to hear opinions and recommendations from your own experience.",
        ),
    ),
    "statement": (
        ("Just sharing: my {thing}", "A few notes on the {thing}"),
        (
            "This is not a question, I only wanted to share how I {action} my {thing}.",
            "No answer needed, just leaving this here.",
        ),
    ),
    "spelling": (
        ("Is it spelled '{thing}' or '{misspelt}'?", "Correct spelling: {thing} or {misspelt}?"),
        (
            "I never know how to spell {thing}: is {misspelt} a spelling mistake?",
            "Which spelling is right, and how many letters are doubled?",
        ),
    ),
}

GREETINGS = (
    "Hi everyone, hope you all have a great day!",
    "Hello dear friends, this is my first post here :-)",
    "Hey folks, greetings from a rainy afternoon!",
)
THANKS = (
    "Thanks so much, you are all wonderful!",
    "Cheers, and have a nice weekend 😀",
    "Thank you guys, love this community!!",
)
SHORT = (
    "A simple yes or no is enough.",
    "One line will do.",
    "I only want a short answer.",
    "Keep it brief, a single word suffices.",
)
LONG = (
    "Please explain in full detail.",
    "Feel free to write at length.",
    "I am after a thorough explanation.",
    "A long essay with background would be ideal.",
)
SECOND = (
    "Also, a second question: how much does a {other} cost, and when should I replace it?",
    "And another thing: does the same hold for a {other}? And what about two of them at once?",
    "Besides, I have one more unrelated question: where can I buy a {other}?",
)

# From the worst to the best.
CONTEXT = (
    (
        "it doesnt work pls help me!!!",
        "idk what to do nothing works???",
        "title says it all lol",
        "help urgent asap!!! thx",
    ),
    (
        "I have a problem with the {thing}.",
        "Something about the {thing} is odd.",
        "It went wrong somehow.",
    ),
    (
        "I have owned a {thing} for two years, and I tried the manual first.",
        "I searched the archives and found no answer.",
        "It is a common model with the usual settings.",
    ),
    (
        "I expected the {thing} to work as documented; instead I see the following behaviour, which I can "
        "reproduce every time.",
        "For context, I compared the {thing} with a {other} under equal conditions and took careful notes.",
        "To be precise, I have listed below what I tried, in which order, and with what result.",
    ),
)
INTEREST = (
    (
        "This is boring homework.",
        "It is dull routine paperwork, I know.",
        "My boss makes me ask this tedious thing.",
    ),
    ("I just need it for work.", "It came up again today.", "Nothing special about it."),
    ("It is a nice little puzzle.", "I have become curious about it.", "We wondered about it at dinner."),
    (
        "It is a fascinating mystery that surprisingly few people have looked into.",
        "I find this deeply intriguing, since it contradicts everything we believed.",
        "What a beautiful and astonishing riddle!",
    ),
)
OPENING = (
    ("lol no idea, just google it", "same problem here, any news?", "not sure, only guessing"),
    ("Maybe this has to do with the {thing}.", "It depends."),
    ("I had the same with my {thing}, and this helped.", "This is quite common."),
    (
        "I have worked with {thing} setups for ten years and tested this carefully.",
        "The documentation of the {thing} covers exactly this case, and it is well established.",
    ),
)
CLOSING = (
    ("whatever", "good luck with that"),
    ("That is all I know.", "It might work."),
    ("That should solve it.", "It worked for me."),
    (
        "See the reference at https://docs.example.com/{slug} for the proof.",
        "I verified every step of this twice.",
    ),
)
STEPS = (
    "switch off everything near the {thing}",
    "open the settings of the {thing}",
    "carefully {action} the {thing}",
    "wait for ten minutes",
    "check that the {thing} does not {trouble} any more",
    "write down what you changed",
    "repeat the last step until nothing changes",
)
REASONS = (
    "The reason is that the {thing} depends on its surroundings.",
    "This happens because a {thing} will {trouble} once it is under stress.",
    "The cause lies in how a {thing} is built, which explains the effect.",
    "Because of that, the {other} behaves differently.",
    "In other words, the effect follows from the cause, not from chance.",
)
STAGES = (
    "The usual process has a planning stage, in which the {thing} is inspected.",
    "In the second stage of the procedure you {action} the {thing}.",
    "The process ends with an acceptance stage and a protocol.",
    "Each stage of this procedure has to be signed off.",
)
FACTS = (
    "The {thing} is the right one here.",
    "It has been called that since 1894.",
    "Most people prefer the {thing} to the {other}.",
    "A {other} is larger, a {thing} is cheaper.",
    "Both exist, yet only one is in common use.",
)
USERS = (
    "Ada",
    "Bjørn",
    "Chloé",
    "Dmitri",
    "Eun-ji",
    "Farid",
    "Grace",
    "Hông",
    "Ines",
    "Jürgen",
    "null",
    "42",
)
