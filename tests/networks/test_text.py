"""Text encoders: what they make of captions, matching, and word vectors from files."""

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.common.errors import GanzooError
from ganzoo.games.matching import learn_matching
from ganzoo.networks.text import GRUEncoder, Precomputed, WordAverage

WORDS = "red blue ball"


def encoder(kind=GRUEncoder, **options):
    torch.manual_seed(0)
    return kind(4, WORDS, 1, **{"text_dim": 6, "word_dim": 5} | options).eval()


@pytest.mark.parametrize("kind", [GRUEncoder, WordAverage])
def test_places_without_words_change_nothing(kind):
    network = encoder(kind)
    short = torch.tensor([[1, 2, 0, 0], [3, 0, 0, 0]])
    before = network(short)
    with torch.no_grad():
        network.table.weight[0] += 1
    torch.testing.assert_close(network(short), before)
    torch.testing.assert_close(before.mean(1), torch.zeros(2), atol=1e-6, rtol=0)


def test_only_the_recurrent_one_knows_the_order():
    there, back = torch.tensor([[1, 2, 3, 0]]), torch.tensor([[3, 2, 1, 0]])
    assert not torch.allclose(encoder()(there), encoder()(back), atol=1e-3)
    torch.testing.assert_close(encoder(WordAverage)(there), encoder(WordAverage)(back))


def test_the_recurrent_one_computes_what_pytorchs_does():
    network = encoder(hidden=7)
    layer = nn.GRU(5, 7, batch_first=True)
    for name, own in (("ih", network.of_word), ("hh", network.of_state)):
        layer.load_state_dict({f"weight_{name}_l0": own.weight, f"bias_{name}_l0": own.bias}, strict=False)
    captions = torch.tensor([[1, 2, 3, 2], [3, 3, 1, 1]])
    _, last = layer(network.table(captions))
    torch.testing.assert_close(network(captions), network.norm(network.linear(last[0])))


def test_several_captions_are_averaged():
    network = encoder()
    captions = torch.tensor([[[1, 2, 0, 0], [3, 0, 0, 0]]])
    torch.testing.assert_close(network(captions), network(captions[0]).mean(0, keepdim=True))
    vectors = torch.randn(2, 3, 8)
    torch.testing.assert_close(Precomputed(8)(vectors), vectors.mean(1))


def test_captions_are_matched_by_cross_entropy_without_those_of_the_same_group():
    network = encoder()
    x, captions = torch.randn(3, 1, 32, 32), torch.tensor([[1, 3, 0, 0], [2, 3, 0, 0], [1, 3, 0, 0]])
    logits = network.similarities(x, captions)
    loss = network.matching_loss(x, captions, torch.tensor([0, 1, 0]))
    kept = logits[[0, 1, 2]].clone()
    kept[0, 2] = kept[2, 0] = -torch.inf
    wanted = -(kept.log_softmax(1).diagonal().mean() + kept.log_softmax(0).diagonal().mean()) / 2
    torch.testing.assert_close(loss, wanted)
    with pytest.raises(GanzooError, match="Precomputed does not match captions"):
        Precomputed(4).similarities(x, torch.randn(3, 4))


def test_an_encoder_learns_to_match_and_is_frozen():
    captions = torch.tensor([[1, 3, 0, 0], [2, 3, 0, 0]] * 4)
    x = (captions[:, 0, None, None, None].float() * 2 - 3).expand(-1, 1, 32, 32) + 0.1 * torch.randn(8, 1, 32, 32)
    loader = [(x, (captions, captions[:, 0]))]
    state = torch.random.get_rng_state()
    network = encoder()
    first = network.matching_loss(*loader[0][:1], captions, captions[:, 0])
    torch.random.set_rng_state(state)
    assert learn_matching(network, loader, 60) < first / 2
    assert torch.equal(torch.random.get_rng_state(), state)
    assert network.filled == 1
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_vectors_of_a_file_are_taken_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    vectors = np.arange(10, dtype=np.float16).reshape(2, 5)
    np.savez(tmp_path / "words.npz", words=np.array(["ball", "red"]), vectors=vectors)
    network = encoder(WordAverage, vectors="words")  # without its suffix
    network.prepare()
    assert network.table.weight[1].tolist() == vectors[1].tolist()
    assert network.table.weight[2].tolist() == [0] * 5
    captions = torch.tensor([[1, 0, 0, 0], [3, 0, 0, 0]])
    learn_matching(network, [(torch.randn(2, 1, 32, 32), (captions, torch.arange(2)))], 3)
    assert network.table.weight[3].tolist() == vectors[0].tolist()
    (tmp_path / "other.npz").write_bytes(b"PK\x03\x04")
    np.savez(tmp_path / "long.npz", words=np.array(["red"]), vectors=np.zeros((1, 7)))
    for name, why in (("other.npz", "is no .npz file"), ("none", "is no .npz"), ("long", r"\(1, 5\) are wanted")):
        with pytest.raises(GanzooError, match=rf"^model\.encoder\.vectors: {name} .*{why}") as error:
            encoder(WordAverage, vectors=name).prepare()
        assert "\n" not in str(error.value)


def test_another_vocabulary_is_noticed():
    one, other = encoder(), GRUEncoder(4, "ball blue red", 1, text_dim=6, word_dim=5)
    one.require_vocabulary()
    other.load_state_dict({**other.state_dict(), "checksum": one.checksum})
    with pytest.raises(GanzooError, match="another vocabulary"):
        other.require_vocabulary()
