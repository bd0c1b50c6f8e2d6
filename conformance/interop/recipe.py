"""Plays the GitHub Actions recipe (examples/github-actions/offline365.yml) on this machine: a recipe that nobody runs rots.

    python recipe.py OFFLINE365 FOLDER [--build]

Every `run:` step is run by bash as a runner runs it, in a scratch copy of a small foreign project, job by job, with GITHUB_PATH, GITHUB_STEP_SUMMARY and
the matrix. Steps that use an action are played only as far as the next step sees: a folder kept, fetched or uploaded. What is not known here fails.
Then the same with a fault planted into the foreign connector: the recipe must turn red, and say where.
With --build the tool is really built by the recipe's own step, from this repository's HEAD; otherwise the cache "hits" with OFFLINE365.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import yaml

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE / "examples" / "github-actions"
SARIF = json.loads((HERE.parent / "schemas" / "sarif-2.1.0.json").read_text())
PINNED = re.compile(r"([\w-]+/[\w/-]+)@[0-9a-f]{40}")
FAULT = ('if claims["azp"] != ALLOWED_CLIENT or', "if")


class Rotten(Exception):
    """The recipe does not do what it says."""


def demand(held, said):
    if not held:
        raise Rotten(said)


class Play:
    """One run of the workflow."""

    def __init__(self, root, tool, build):
        self.root, self.tool, self.build = root, tool, build
        self.project, self.artifacts, self.summary = root / "project", root / "artifacts", root / "summary.md"
        self.workflow = yaml.safe_load((self.project / ".github/workflows/offline365.yml").read_text())
        self.results, self.uploads, self.ran = {}, [], 0
        self.summary.write_text("")

    def run(self):
        for name, job in self.workflow["jobs"].items():
            needs = job.get("needs", [])
            needs = [needs] if isinstance(needs, str) else needs
            demand(all(need in self.results for need in needs), f"{name} stands before a job that it needs")
            if "if" not in job and any(self.results[need] != "success" for need in needs):
                self.results[name] = "skipped"
                continue
            matrix = job.get("strategy", {}).get("matrix", {})
            parts = [{key: value} for key, values in matrix.items() for value in values] or [{}]
            ends = [Job(self, name, job, index, part, needs).run() for index, part in enumerate(parts)]
            self.results[name] = "success" if all(ends) else "failure"
        return self.results


class Job:
    def __init__(self, play, name, job, index, matrix, needs):
        self.play, self.name, self.steps, self.index = play, name, job["steps"], index
        self.path, self.good, self.hit = [], True, False
        self.values = {f"matrix.{key}": value for key, value in matrix.items()} | {
            "strategy.job-index": str(index),
            "join(needs.*.result, ' ')": " ".join(play.results[need] for need in needs),
        }
        # As a runner that is made anew for each job.
        for left in ("out", "parts"):
            shutil.rmtree(play.project / left, ignore_errors=True)
        self.env = {key: self.filled(value) for key, value in (play.workflow["env"] | job.get("env", {})).items()}
        if play.build:
            repository = HERE.parent.parent
            head = subprocess.check_output(["git", "-C", repository, "rev-parse", "HEAD"], text=True).strip()
            self.env |= {"OFFLINE365_GIT": f"file://{repository}", "OFFLINE365_REV": head, "OFFLINE365_PROFILE": "dev"}

    def filled(self, text):
        def value(found):
            demand(found[1] in self.values, f"{self.name}: nobody knows ${{{{ {found[1]} }}}}")
            return self.values[found[1]]

        return re.sub(r"\$\{\{ (.+?) \}\}", value, str(text))

    def wanted(self, condition):
        """Whether a step runs."""
        if condition is None:
            return self.good
        condition = condition.removeprefix("${{ ").removesuffix(" }}")
        known = {
            "steps.tool.outputs.cache-hit != 'true'": self.good and not self.hit,
            "!cancelled()": True,
            "!cancelled() && !github.event.pull_request.head.repo.fork": True,
        }
        demand(condition in known, f"{self.name}: nobody knows the condition {condition}")
        return known[condition]

    def run(self):
        for step in self.steps:
            if self.wanted(step.get("if")):
                self.good &= self.shell(step) if "run" in step else self.action(step)
        return self.good

    def shell(self, step):
        demand("${{" not in step["run"], f"{step['name']}: an expression inside `run:` is an injection; use env")
        play, paths = self.play, self.play.root / "path"
        paths.write_text("")
        environment = os.environ | self.env | {
            "PATH": os.pathsep.join([*self.path, os.environ["PATH"]]), "CI": "true",
            "GITHUB_WORKSPACE": str(play.project), "GITHUB_PATH": str(paths), "GITHUB_STEP_SUMMARY": str(play.summary),
        }
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=play.project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.path = paths.read_text().split() + self.path
        play.ran += 1
        print(f"  {self.name} {self.index}: {step['name']}: exit {ended.returncode}")
        if ended.returncode:
            print("".join(f"    | {line[:200]}\n" for line in ended.stdout.splitlines()[-6:]), end="")
        return ended.returncode == 0

    def action(self, step):
        known = PINNED.fullmatch(step["uses"])
        demand(known, f"{step['uses']} is not pinned to a commit")
        given = {key: value for key, value in step.get("with", {}).items()}
        play = self.play
        match known[1]:
            case "actions/checkout":
                demand(given == {"persist-credentials": False}, "the checkout leaves its token in .git/config")
            case "actions/cache":
                self.hit = not play.build or (play.project / given["path"]).exists()
                if not play.build:
                    place = play.project / given["path"] / "bin"
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(play.tool, place / "offline365")
            case "actions/cache/restore":
                demand((play.project / given["path"] / "bin/offline365").exists(), "the build left nothing to restore")
            case "github/codeql-action/upload-sarif":
                self.sarif(play.project / given["sarif_file"])
            case "actions/upload-artifact":
                shutil.copytree(play.project / given["path"], play.artifacts / self.filled(given["name"]))
            case "actions/download-artifact":
                for artifact in play.artifacts.glob(given["pattern"]):
                    shutil.copytree(artifact, play.project / given["path"] / artifact.name)
            case other:
                raise Rotten(f"nobody knows what {other} does")
        return True

    def sarif(self, file):
        """What code scanning would refuse or lose."""
        log = json.loads(file.read_text())
        jsonschema.Draft202012Validator(SARIF).validate(log)
        for run in log["runs"]:
            category = run["automationDetails"]["id"].rpartition("/")[0]
            demand(category not in [known for known, _ in self.play.uploads], f"two uploads of one category, {category}: the second takes the first's place")
            for result in run["results"]:
                place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                demand((self.play.project / place).is_file(), f"{result['ruleId']} points at {place}, which the project does not have")
            self.play.uploads.append((category, [result["ruleId"] for result in run["results"]]))


def project(root):
    """The foreign project as it is after its first day."""
    shutil.rmtree(root, ignore_errors=True)
    workflows = root / "project/.github/workflows"
    workflows.mkdir(parents=True)
    shutil.copytree(EXAMPLE, root / "project", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "project/offline365.yml").rename(workflows / "offline365.yml")


def again(root, keep):
    """The same project for another run."""
    for left in [root / "artifacts", *([] if keep else [root / "project/.offline365-tool"])]:
        shutil.rmtree(left, ignore_errors=True)


def main(tool, folder, build):
    root = Path(folder).resolve()
    project(root)
    tool = Path(tool).resolve()
    here = root / "project"
    path = os.pathsep.join([str(tool.parent), os.environ["PATH"]])
    subprocess.run(["./first-day", "target.toml", "Dana"], cwd=here, env=os.environ | {"PATH": path}, check=True, stdin=subprocess.DEVNULL)
    shutil.rmtree(here / "out")

    print("as it is:")
    good = Play(root, tool, build)
    results = good.run()
    demand(set(results.values()) == {"success"}, f"not green: {results}")
    demand(good.uploads and not any(found for _, found in good.uploads), f"accepted findings were uploaded: {good.uploads}")
    tests = [ElementTree.parse(file).getroot() for file in good.artifacts.glob("*/junit.xml")]
    demand(len(tests) == len(good.uploads), "a shard left no JUnit file")
    demand(good.summary.read_text().count("## offline365: small") == len(tests), "a shard left no summary")
    asked = re.search(r"asked: (\d+), pinned: (\d+)", good.summary.read_text())
    demand(asked and asked[1] == asked[2] != "0", f"the shards together did not ask what was pinned: {asked}")

    print("with a planted fault (any client's tokens are taken):")
    source = here / "connector.py"
    demand(FAULT[0] in source.read_text(), "the fault has no place to be planted at")
    source.write_text(source.read_text().replace(*FAULT))
    again(root, build)
    bad = Play(root, tool, build)
    results = bad.run()
    found = [check for _, checks in bad.uploads for check in checks]
    demand(results == {"build": "success", "tests": "success", "check": "failure", "verdict": "failure"}, f"the fault went through: {results}")
    demand(found, "the fault is in no SARIF file")
    demand(all(f"offline365 replay {check} --target target.toml" in bad.summary.read_text() for check in found), "the summary lacks the command")

    print("with a check fewer than was pinned:")
    shutil.copy(EXAMPLE / "connector.py", source)
    lock = here / "offline365.lock"
    lock.write_text(re.sub(r"applicable = (\d+)", lambda told: f"applicable = {int(told[1]) + 1}", lock.read_text()))
    again(root, build)
    results = Play(root, tool, build).run()
    demand(results["check"] == "success" and results["verdict"] == "failure", f"that less is asked was not seen: {results}")
    print(f"recipe: {good.ran} steps in 4 jobs held; the fault was found by {', '.join(found)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], "--build" in sys.argv[3:])
    except Rotten as rotten:
        sys.exit(f"recipe: {rotten}")
