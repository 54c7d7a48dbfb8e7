"""BibTeX of the methods that a report used, and of no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pushforward.errors import named
from pushforward.measure.results import Audit

__all__ = ["EXPLAINED", "RECOMMENDED", "REFERENCES", "cite", "used"]

REFERENCES: dict[str, str] = {
    "nishi2026misgeneralization": """\
@article{nishi2026misgeneralization,
  title   = {Mechanisms of Misgeneralization in Physical Sequence Modeling},
  author  = {Nishi, K. and Tang, R. and Kumar, K. and Park, C. F. and Tanaka, H.},
  journal = {arXiv preprint arXiv:2605.20299},
  year    = {2026}
}""",
    "phipson2010permutation": """\
@article{phipson2010permutation,
  title   = {Permutation {P}-values Should Never Be Zero: Calculating Exact {P}-values When Permutations Are
             Randomly Drawn},
  author  = {Phipson, Belinda and Smyth, Gordon K.},
  journal = {Statistical Applications in Genetics and Molecular Biology},
  volume  = {9},
  number  = {1},
  pages   = {Article 39},
  year    = {2010},
  doi     = {10.2202/1544-6115.1585}
}""",
    "benjamini1995fdr": """\
@article{benjamini1995fdr,
  title   = {Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple Testing},
  author  = {Benjamini, Yoav and Hochberg, Yosef},
  journal = {Journal of the Royal Statistical Society: Series B (Methodological)},
  volume  = {57},
  number  = {1},
  pages   = {289--300},
  year    = {1995},
  doi     = {10.1111/j.2517-6161.1995.tb02031.x}
}""",
    "ramdas2017wasserstein": """\
@article{ramdas2017wasserstein,
  title   = {On {W}asserstein Two-Sample Testing and Related Families of Nonparametric Tests},
  author  = {Ramdas, Aaditya and Garc{\\'i}a Trillos, Nicol{\\'a}s and Cuturi, Marco},
  journal = {Entropy},
  volume  = {19},
  number  = {2},
  pages   = {47},
  year    = {2017},
  doi     = {10.3390/e19020047}
}""",
    "szekely2013energy": """\
@article{szekely2013energy,
  title   = {Energy statistics: A class of statistics based on distances},
  author  = {Sz{\\'e}kely, G{\\'a}bor J. and Rizzo, Maria L.},
  journal = {Journal of Statistical Planning and Inference},
  volume  = {143},
  number  = {8},
  pages   = {1249--1272},
  year    = {2013},
  doi     = {10.1016/j.jspi.2013.03.018}
}""",
    "anderson1962cramer": """\
@article{anderson1962cramer,
  title   = {On the Distribution of the Two-Sample {C}ram{\\'e}r--von {M}ises Criterion},
  author  = {Anderson, T. W.},
  journal = {The Annals of Mathematical Statistics},
  volume  = {33},
  number  = {3},
  pages   = {1148--1159},
  year    = {1962},
  doi     = {10.1214/aoms/1177704477}
}""",
    "wilson1927inference": """\
@article{wilson1927inference,
  title   = {Probable Inference, the Law of Succession, and Statistical Inference},
  author  = {Wilson, Edwin B.},
  journal = {Journal of the American Statistical Association},
  volume  = {22},
  number  = {158},
  pages   = {209--212},
  year    = {1927},
  doi     = {10.1080/01621459.1927.10502953}
}""",
    "brown2001interval": """\
@article{brown2001interval,
  title   = {Interval Estimation for a Binomial Proportion},
  author  = {Brown, Lawrence D. and Cai, T. Tony and DasGupta, Anirban},
  journal = {Statistical Science},
  volume  = {16},
  number  = {2},
  pages   = {101--133},
  year    = {2001},
  doi     = {10.1214/ss/1009213286}
}""",
    "woodruff1952confidence": """\
@article{woodruff1952confidence,
  title   = {Confidence Intervals for Medians and Other Position Measures},
  author  = {Woodruff, Ralph S.},
  journal = {Journal of the American Statistical Association},
  volume  = {47},
  number  = {260},
  pages   = {635--646},
  year    = {1952},
  doi     = {10.1080/01621459.1952.10483443}
}""",
    "newcombe1998interval": """\
@article{newcombe1998interval,
  title   = {Interval estimation for the difference between independent proportions: comparison of eleven methods},
  author  = {Newcombe, Robert G.},
  journal = {Statistics in Medicine},
  volume  = {17},
  number  = {8},
  pages   = {873--890},
  year    = {1998}
}""",
    "zou2008construction": """\
@article{zou2008construction,
  title   = {Construction of confidence limits about effect measures: A general approach},
  author  = {Zou, Guang Yong and Donner, Allan},
  journal = {Statistics in Medicine},
  volume  = {27},
  number  = {10},
  pages   = {1693--1702},
  year    = {2008},
  doi     = {10.1002/sim.3095}
}""",
    "cochran1977sampling": """\
@book{cochran1977sampling,
  title     = {Sampling Techniques},
  author    = {Cochran, William G.},
  edition   = {3rd},
  publisher = {Wiley},
  year      = {1977}
}""",
    "karras2022edm": """\
@inproceedings{karras2022edm,
  title     = {Elucidating the Design Space of Diffusion-Based Generative Models},
  author    = {Karras, Tero and Aittala, Miika and Aila, Timo and Laine, Samuli},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {35},
  year      = {2022},
  note      = {arXiv:2206.00364}
}""",
    "landsea2013hurdat2": """\
@article{landsea2013hurdat2,
  title   = {Atlantic Hurricane Database Uncertainty and Presentation of a New Database Format},
  author  = {Landsea, Christopher W. and Franklin, James L.},
  journal = {Monthly Weather Review},
  volume  = {141},
  number  = {10},
  pages   = {3576--3592},
  year    = {2013},
  doi     = {10.1175/MWR-D-12-00254.1}
}""",
    "kramers1940brownian": """\
@article{kramers1940brownian,
  title   = {Brownian motion in a field of force and the diffusion model of chemical reactions},
  author  = {Kramers, H. A.},
  journal = {Physica},
  volume  = {7},
  number  = {4},
  pages   = {284--304},
  year    = {1940},
  doi     = {10.1016/S0031-8914(40)90098-2}
}""",
    "moyal1949stochastic": """\
@article{moyal1949stochastic,
  title   = {Stochastic Processes and Statistical Physics},
  author  = {Moyal, J. E.},
  journal = {Journal of the Royal Statistical Society: Series B (Methodological)},
  volume  = {11},
  number  = {2},
  pages   = {150--210},
  year    = {1949},
  doi     = {10.1111/j.2517-6161.1949.tb00030.x}
}""",
    "shapley1953value": """\
@incollection{shapley1953value,
  title     = {A Value for n-Person Games},
  author    = {Shapley, Lloyd S.},
  booktitle = {Contributions to the Theory of Games II},
  editor    = {Kuhn, H. W. and Tucker, A. W.},
  pages     = {307--317},
  publisher = {Princeton University Press},
  year      = {1953},
  doi       = {10.1515/9781400881970-018}
}""",
    "busing1999jackknife": """\
@article{busing1999jackknife,
  title   = {Delete-m Jackknife for Unequal m},
  author  = {Busing, Frank M. T. A. and Meijer, Erik and van der Leeden, Rien},
  journal = {Statistics and Computing},
  volume  = {9},
  number  = {1},
  pages   = {3--8},
  year    = {1999},
  doi     = {10.1023/A:1008800423698}
}""",
}

# The methods of an explanation.
EXPLAINED = (
    "nishi2026misgeneralization",
    "kramers1940brownian",
    "moyal1949stochastic",
    "shapley1953value",
    "busing1999jackknife",
    "benjamini1995fdr",
)

# Those of a recommendation.
RECOMMENDED = ("nishi2026misgeneralization", "busing1999jackknife")

_STORM_CHANNELS = {"latitude", "longitude", "wind"}


def cite(keys: Iterable[str]) -> str:
    """The BibTeX entries of `keys`, in the order of `REFERENCES`, each once.

    Raises:
        InputError: no such key; lists the valid ones.
    """
    wanted = set(keys)
    for key in sorted(wanted):
        if key not in REFERENCES:
            raise named("reference", key, REFERENCES)
    return "\n\n".join(entry for key, entry in REFERENCES.items() if key in wanted)


def used(audit: Audit, settings: Mapping[str, Any] | None = None, channels: Iterable[str] = ()) -> list[str]:
    """Keys of the methods and data behind a report.

    The diffusion paper is cited when the settings name a diffusion model, the storm data base when the inputs
    name HURDAT2 or the channels are a storm's latitude, longitude and wind.
    """
    quantities = audit.quantities
    sampled = any(quantity.n_reference is not None for quantity in quantities)
    grouped = any(q.n_groups_made is not None or q.n_groups_reference is not None for q in quantities)
    why = {
        "nishi2026misgeneralization": True,
        "phipson2010permutation": bool(quantities),
        "benjamini1995fdr": len(quantities) > 1,
        "ramdas2017wasserstein": bool(quantities),
        "szekely2013energy": bool(quantities),
        "anderson1962cramer": sampled,
        "wilson1927inference": bool(quantities),
        "brown2001interval": bool(quantities),
        "woodruff1952confidence": any(quantity.quantile_shifts for quantity in quantities),
        "newcombe1998interval": sampled,
        "zou2008construction": sampled and any(quantity.quantile_shifts for quantity in quantities),
        "cochran1977sampling": grouped,
    }
    keys = [key for key, needed in why.items() if needed]
    words = _words(settings or {})
    if "diffusion" in words or "edm" in words:
        keys.append("karras2022edm")
    if "hurdat" in _words(audit.inputs) or "hurdat" in words or set(channels) >= _STORM_CHANNELS:
        keys.append("landsea2013hurdat2")
    return keys


def _words(settings: Any) -> str:
    """All keys and values of nested settings as one lower-case text to search."""
    if isinstance(settings, Mapping):
        return " ".join(f"{key} {_words(value)}" for key, value in settings.items()).lower()
    return str(settings)[:10_000].lower()
