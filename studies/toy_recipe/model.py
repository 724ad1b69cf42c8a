"""The toy's model: a decoder of two layers that learns in seconds on one thread, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from studies.toy_recipe.world import END, PAD

Past = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the model; `longest` in ids. tied: ids that come in and ids that go out share one table, as in many small
    language models, so that what moves a word's row is felt wherever that word could be said."""

    ids: int
    longest: int
    hidden: int = 64
    layers: int = 2
    heads: int = 4
    tied: bool = False


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before, self.between = nn.LayerNorm(shape.hidden), nn.LayerNorm(shape.hidden)
        self.looks, self.joins = nn.Linear(shape.hidden, 3 * shape.hidden), nn.Linear(shape.hidden, shape.hidden)
        self.thinks = nn.Sequential(
            nn.Linear(shape.hidden, 4 * shape.hidden), nn.GELU(), nn.Linear(4 * shape.hidden, shape.hidden)
        )

    def forward(self, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        rows, length, hidden = x.shape
        query, key, value = (
            part.view(rows, length, self.heads, -1).transpose(1, 2)
            for part in self.looks(self.before(x)).split(hidden, dim=-1)
        )
        if past is not None:
            key, value = torch.cat([past[0], key], dim=2), torch.cat([past[1], value], dim=2)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        x = x + self.joins(seen.transpose(1, 2).reshape(rows, length, hidden))
        return x + self.thinks(self.between(x)), (key, value)


class ToyModel(nn.Module):
    """Logits (B, T, ids) of ids (B, T); no dropout."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens, self.places = nn.Embedding(shape.ids, shape.hidden), nn.Embedding(shape.longest, shape.hidden)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.last, self.head = nn.LayerNorm(shape.hidden), nn.Linear(shape.hidden, shape.ids)
        if shape.tied:
            nn.init.normal_(self.tokens.weight, std=0.02)
            self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        return self.on(ids, None)[0]

    def on(self, ids: Tensor, past: list[Past] | None) -> tuple[Tensor, list[Past]]:
        """The logits after further ids, one at a time where there is a past, and what the next ones need."""
        begin = past[0][0].shape[2] if past else 0
        x = self.tokens(ids) + self.places(torch.arange(begin, begin + ids.shape[1]))
        kept = []
        for number, layer in enumerate(self.layers):
            x, state = layer(x, past[number] if past else None)
            kept.append(state)
        return self.head(self.last(x)), kept


@torch.no_grad()
def answers(model: ToyModel, prompts: Tensor, generator: torch.Generator) -> Tensor:
    """(B, longest): prompts (B, 1) with sampled answers (temperature 1), padded after their end."""
    ids, (logits, past) = prompts, model.on(prompts, None)
    done = torch.zeros(len(prompts), 1, dtype=torch.bool)
    while ids.shape[1] < model.shape.longest:
        drawn = torch.multinomial(logits[:, -1].softmax(-1), 1, generator=generator)
        drawn = torch.where(done, PAD, drawn)
        done = done | (drawn == END)
        ids = torch.cat([ids, drawn], dim=1)
        logits, past = model.on(drawn, past)
    return ids
