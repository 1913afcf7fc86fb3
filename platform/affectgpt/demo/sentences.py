"""What the made people say: short sentences whose words fit an emotion, in English and Chinese."""

SENTENCES: dict[str, dict[str, tuple[str, ...]]] = {
    "anger": {
        "en": (
            "Stop that, you have ruined everything!",
            "I am furious, get out of my office!",
            "How dare you lie to me again!",
            "This is an outrage, give it back now!",
        ),
        "zh": ("你怎么又骗我，太过分了！", "够了，我真的很生气！"),
    },
    "happiness": {
        "en": (
            "We won the match, I am so happy!",
            "What a wonderful day, I love it!",
            "She said yes, this is the best news!",
            "The cake is delicious, thank you so much!",
        ),
        "zh": ("太好了，我们终于成功了！", "今天真开心，谢谢大家！"),
    },
    "fear": {
        "en": (
            "Somebody is in the house, I am scared!",
            "Please hurry, there is something behind us!",
            "I am afraid the bridge will not hold!",
            "Do not open that door, it is dangerous!",
        ),
        "zh": ("我好害怕，外面有人！", "快跑，这里太危险了！"),
    },
    "surprise": {
        "en": (
            "Wow, where did you come from?",
            "I can hardly believe it, is that really you?",
            "Oh, what an amazing surprise!",
            "What, they have already finished?",
        ),
        "zh": ("哇，真没想到是你！", "什么，居然已经做完了？"),
    },
    "neutral": {
        "en": (
            "The next train leaves at ten past four.",
            "The meeting is on the second floor.",
            "I put the keys on the kitchen table.",
            "The parcel was delivered this morning.",
        ),
        "zh": ("会议在二楼的房间举行。", "下一班火车四点出发。"),
    },
    "sadness": {
        "en": (
            "I miss her so much every day.",
            "We lost the house, and I feel alone.",
            "He left without saying goodbye.",
            "My heart is broken, I cannot go on.",
        ),
        "zh": ("我很想念她，心里难过。", "他走了，我好孤独。"),
    },
    "boredom": {
        "en": (
            "It is the same dull story again.",
            "Nothing ever happens around here.",
            "I am tired of waiting in line.",
            "Another boring talk, how tedious.",
        ),
        "zh": ("真无聊，又是老一套。", "好闷啊，什么都没意思。"),
    },
}
"""Sentences by the emotion that their words carry and by the language they are in."""

CONTRARY = {
    "anger": "happiness",
    "happiness": "sadness",
    "fear": "neutral",
    "surprise": "boredom",
    "neutral": "happiness",
    "sadness": "happiness",
    "boredom": "happiness",
}
"""For each emotion of a voice, the emotion whose words contradict it."""
