"""`make toy`: the recipe's six arms on a toy, as tables, every look, and a picture. Needs torch alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from studies.toy_recipe import study
from studies.toy_recipe.arms import Settings, held_out_nll
from wavjudge.files.safe import write_new


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m studies.toy_recipe", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("toy"), help="folder for toy_recipe.csv, .md and .png")
    parser.add_argument("--lr", type=float, action="append", help="learning rate; may be given again")
    parser.add_argument("--seed", type=int, action="append", help="may be given again; 0, 1, 2 by default")
    parser.add_argument("--steps", type=int, default=Settings().steps, help="of each run")
    parser.add_argument("--tied", action="store_true", help="ids in and out share one table; toy_recipe_tied")
    parser.add_argument("--base-lr", type=float, default=Settings().base_lr, help="learning rate of the base model")
    asked = parser.parse_args()
    settings = Settings(tied=asked.tied, steps=asked.steps, base_lr=asked.base_lr)
    run(settings, tuple(asked.seed or study.SEEDS), tuple(asked.lr or study.LEARNING_RATES), asked.out)


def run(settings: Settings, seeds: tuple[int, ...], lrs: tuple[float, ...], out: Path) -> None:
    name = "toy_recipe_tied" if settings.tied else "toy_recipe"
    out.mkdir(parents=True, exist_ok=True)
    bases = study.base_models(settings, seeds)
    rows = list(study.study(settings, bases, lrs, told=lambda line: print(line, file=sys.stderr)))
    study.write(rows, out / f"{name}.csv")
    study.draw(rows, out / f"{name}.png")
    write_new(out / f"{name}.md", study.page(rows))
    print(study.page(rows))
    print(f"Base models (no speech below {settings.world.floor:.4f} nats) and their preference gradients:\n")
    for seed, found in study.geometry(settings, bases).items():
        ratio, cosine = (f"{each:.3f}" if each is not None else "none" for each in (found.ratio, found.cosine))
        nll = held_out_nll(bases[seed], seed, settings)
        print(f"seed {seed}: held-out speech {nll:.4f}, gradient of text {found.text_norm:.4f}, of speech "
              f"{found.speech_norm:.4f}, ratio {ratio}, cosine {cosine}")  # fmt: skip
    print(f"the tables above, every look and a picture: written to {out / name}.md, .csv and .png", file=sys.stderr)


if __name__ == "__main__":
    main()
