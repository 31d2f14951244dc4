"""What jinja2 makes of chat templates: tests/golden/templates/*.json.

conversations.json holds the inputs by name (messages of all roles, tools, generation prompt). Each other file has one
model's template with its rendering, or its error, for every conversation. snippets.json holds small templates by theme
(template_snippets.py). The environment is the one transformers compiles chat templates in, with the clock stopped.
An error has the line where jinja2 says it happened, and its message where the template itself raised it.

usage: make_template_goldens.py TEMPLATES_DIR MODEL.gguf [OUT_DIR]     (jinja2 3.1, transformers 5, gguf)
"""
import datetime
import json
import os
import sys
import traceback

import gguf
import jinja2
from transformers.utils.chat_template_utils import _compile_jinja_template

import template_snippets

NOW = 1753574400  # 2025-07-27 00:00 UTC

SYSTEM = {"role": "system", "content": "You are a terse assistant.\nAnswer in one line."}
USER = {"role": "user", "content": "What is 2 + 2?"}
ANSWER = {"role": "assistant", "content": "4"}
ACCENTS = {"role": "user", "content": "  Où est la gare? 日本語 🎉 <|im_end|> {{ not code }} \"quoted\" \\ 'single'\n\n"}
THINKING = {"role": "assistant", "content": "<think>\nTwo and two.\n</think>\n\n4", "reasoning_content": "Two and two."}
CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "call00001", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Paris", "days": 3, "units": None}}}]}
TEXT_CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "call00002", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Paris\"}"}}]}
TWO_CALLS = {"role": "assistant", "content": "", "tool_calls": [
    {"id": "call00003", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Zürich"}}},
    {"id": "call00004", "type": "function", "function": {"name": "now", "arguments": {}}}]}
RESULT = {"role": "tool", "name": "get_weather", "tool_call_id": "call00001", "content": "{\"temperature\": 21.5, \"sky\": \"clear\"}"}
SECOND_RESULT = {"role": "tool", "name": "now", "tool_call_id": "call00004", "content": "12:00"}
FINAL = {"role": "assistant", "content": "21.5 degrees and clear."}
PARTS = {"role": "user", "content": [{"type": "text", "text": "Describe this."}, {"type": "text", "text": "Briefly."}]}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "description": "Weather of a city: \"now\" & later",
     "parameters": {"type": "object", "properties": {
         "city": {"type": "string", "description": "Name, e.g. São Paulo"},
         "days": {"type": "integer", "default": 1},
         "units": {"type": "string", "enum": ["metric", "imperial"]}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}},
]


def conversations():
    turns = {
        "user": [USER], "system": [SYSTEM, USER], "two turns": [USER, ANSWER, ACCENTS],
        "long": [SYSTEM, USER, ANSWER, ACCENTS, FINAL, USER], "ends with assistant": [SYSTEM, USER, ANSWER],
        "thinking": [USER, THINKING, USER], "parts": [SYSTEM, PARTS], "empty": [], "system only": [SYSTEM],
        "not alternating": [USER, USER, ANSWER], "starts with assistant": [ANSWER, USER], "unknown role": [{"role": "critic", "content": "Hm."}],
        "no content": [{"role": "user"}], "empty content": [{"role": "user", "content": ""}], "late system": [USER, SYSTEM, USER],
    }
    with_tools = {
        "tools": [SYSTEM, USER], "tools, no system": [USER], "call": [USER, CALL, RESULT], "call, answer": [SYSTEM, USER, CALL, RESULT, FINAL, USER],
        "text call": [USER, TEXT_CALL, RESULT, FINAL], "two calls": [SYSTEM, USER, TWO_CALLS, RESULT, SECOND_RESULT, FINAL, ACCENTS],
    }
    special = {"bos_token": "<s>", "eos_token": "</s>"}
    out = {}
    for names, tools in ((turns, None), (with_tools, TOOLS)):
        for name, messages in names.items():
            for prompt in (True, False):
                key = name + ("" if prompt else ", no prompt")
                out[key] = {"messages": messages, "tools": tools, "add_generation_prompt": prompt, **special}
    out["call without tools"] = {"messages": [USER, CALL, RESULT, FINAL], "tools": None, "add_generation_prompt": True, **special}
    out["no tools variable"] = {"messages": [SYSTEM, USER], "add_generation_prompt": True, **special}
    out["messages only"] = {"messages": [SYSTEM, USER, ANSWER]}
    return out


def stopped_clock(form):
    return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(form)


def failure(error):
    if isinstance(error, jinja2.TemplateSyntaxError):
        return {"line": error.lineno}
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename in ("<template>", "<unknown>")]
    out = {"line": lines[-1]} if lines else {}
    if type(error) is jinja2.TemplateError:  # raise_exception
        out["message"] = str(error)
    return out


def render(source, variables):
    try:
        template = _compile_jinja_template(source)
        return {"expected": template.render(strftime_now=stopped_clock, **variables)}
    except Exception as error:  # whatever a template provokes
        return {"error": failure(error)}


def model_templates(folder, model):
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jinja"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                yield name[:-6], file.read()
    if model:
        field = gguf.GGUFReader(model).get_field("tokenizer.chat_template")
        yield os.path.basename(model).split(".")[0], str(bytes(field.parts[-1]), "utf-8")


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")
    print(path, os.path.getsize(path))


def main(folder, model, out):
    os.makedirs(out, exist_ok=True)
    inputs = conversations()
    write(os.path.join(out, "conversations.json"), inputs)
    for name, source in model_templates(folder, model):
        cases = {key: render(source, variables) for key, variables in inputs.items()}
        write(os.path.join(out, name + ".json"), {"template": source, "now": NOW, "cases": cases})
    snippets = [{"theme": theme, "template": source, **render(source, template_snippets.VARIABLES)}
                for theme, sources in template_snippets.THEMES.items() for source in sources]
    write(os.path.join(out, "snippets.json"), {"now": NOW, "variables": template_snippets.VARIABLES, "snippets": snippets})


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else os.path.join(here, "../../tests/golden/templates"))
