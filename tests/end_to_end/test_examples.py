"""The examples that are printed for users to copy do what the text beside them says."""

import json
import os
import re

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


def test_the_first_model_answers(daemon):
    folder = os.path.join(EXAMPLES, "first")
    with open(os.path.join(folder, "windlass.toml"), encoding="utf-8") as file:
        configuration = file.read()  # ends inside [models.mine]
    served = daemon(configuration + "path = %s\n" % json.dumps(folder))
    assert served.client().call("mine", {"text": "ahoy"}) == {"text": "AHOY!"}


def test_the_readme_shows_that_very_model():
    with open(os.path.join(EXAMPLES, "..", "README.md"), encoding="utf-8") as file:
        readme = file.read()
    for name in ("mine.py", "windlass.toml"):
        with open(os.path.join(EXAMPLES, "first", name), encoding="utf-8") as file:
            assert "\n" + file.read() + "```\n" in readme


def test_the_page_on_variants_shows_what_works(daemons, tmp_path):
    with open(os.path.join(EXAMPLES, "..", "docs", "variants.md"), encoding="utf-8") as file:
        page = file.read()
    blocks = dict(re.findall("```(python|toml)\n(.*?)```", page, re.S))
    (tmp_path / "rounder.py").write_text(blocks["python"])
    served = daemons.start(blocks["toml"]).wait_until_started()  # its file lies in tmp_path, too
    expected = re.findall(r"windlass call (\S+) (?:--variant (\S+) )?--data (\S+) +# (.*)", page)
    assert len(expected) == 2
    for model, variant, data, answer in expected:
        told = served.client().call(model, json.loads(data), variant=variant or None)
        assert told == json.loads(answer)
