"""The commands, a file each. A command is loaded only when it is run."""

from __future__ import annotations

__all__ = ["COMMANDS"]

# Name -> (where its class is, what it does in one line).
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("pushforward.commands.demo:Demo", "the whole story, on three systems or on your own data"),
    "audit": (
        "pushforward.commands.audit:AuditFiles",
        "does generated motion keep a quantity's distribution?",
    ),
    "forecast": (
        "pushforward.commands.forecast:ForecastFile",
        "which values will a model class over- and under-produce?",
    ),
    "explain": (
        "pushforward.commands.explain:ExplainFile",
        "why will it, where, and through which errors?",
    ),
    "recommend": (
        "pushforward.commands.recommend:RecommendForFile",
        "which repair, before training?",
    ),
    "simulate": (
        "pushforward.commands.simulate:Simulate",
        "make trajectories of a system with a known quantity",
    ),
    "train": ("pushforward.commands.train:Train", "train a generator on a file of trajectories"),
    "sample": ("pushforward.commands.sample:Sample", "make trajectories with a trained generator"),
    "study": ("pushforward.commands.study:RunStudy", "many runs from one plan, that survive anything"),
    "reproduce": ("pushforward.commands.reproduce:Reproduce", "the paper's claims, each with its verdict"),
    "status": ("pushforward.commands.status:Status", "where a study stands, live"),
    "report": ("pushforward.commands.report:MakeReport", "a page to read and print, of a run or of an audit"),
    "doctor": (
        "pushforward.commands.doctor:Doctor",
        "versions, devices, extras: what is here, what is missing",
    ),
    "completion": (
        "pushforward.commands.completion:Completion",
        "names and options that the shell completes",
    ),
    "cite": ("pushforward.commands.cite:Cite", "the BibTeX of the methods used"),
    "list": ("pushforward.commands.listing:List", "systems, quantities, generators, kernels, formats"),
}
