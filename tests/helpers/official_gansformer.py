"""Names of the official GANsformer networks' tensors in ours."""

LAYER = {
    "to_queries": "query",
    "to_keys": "key",
    "to_values": "value",
    "from_pos_map": "query_place",
    "to_pos_map": "key_place",
    "to_gate_attention.gate": "latent_gate.of_element",
    "to_gate_attention.gate_pos": "latent_gate.of_place",
    "from_gate_attention.gate": "place_gate.of_element",
    "from_gate_attention.gate_pos": "place_gate.of_place",
    "att_weight": "weight",
}


def of_attention(state):
    """An attention layer's tensors under our names, but for the one that makes centroids where none are carried."""
    ours = {}
    for key, value in state.items():
        name, _, last = key.rpartition(".")
        if name != "queries2centroids":
            ours[f"{LAYER.get(name, name)}.{last}" if name else LAYER.get(last, last)] = value
    return ours


def of_generator(state):
    """A generator's tensors under our names, without its constant noise and the mean of w."""
    ours = {}
    for key, value in state.items():
        if key == "pos":
            ours |= dict.fromkeys(("mapping.embeddings", "synthesis.embeddings"), value)
        elif key.startswith("mapping.") and not key.endswith("w_avg"):
            ours[of_mapping(key)] = value
        elif key.startswith("synthesis.") and not key.endswith("noise_const"):
            ours[of_synthesis(key)] = value
    return ours


def of_mapping(key):
    """Our name of a tensor of the mapping networks."""
    _, network, *path, last = key.split(".")
    prefix = "mapping.global_" if network == "global_mlp" else "mapping."
    if path == ["out_layer"]:
        return f"{prefix}out.{last}"
    number = path[0].lstrip("sal")
    inside = f"attention.{LAYER.get(path[1], path[1])}" if path[0].startswith("sa") else f"linear{path[1][2:]}"
    return f"{prefix}blocks.{number}.{inside}.{last}"


def of_synthesis(key):
    """Our name of a tensor of the synthesis network."""
    _, block, *path, last = key.split(".")
    level = int(block[1:]).bit_length() - 3
    if last == "const":
        return "synthesis.const"
    name = path[0]
    if name == "skip":
        return f"synthesis.shortcuts.{level - 1}.weight"
    layer = {"torgb": "to_image", "conv_last": "conv_last"}.get(name, f"layers.{2 * level - (name == 'conv0')}")
    inside = path[1:]
    if inside[:1] == ["transformer"]:
        (rest,) = of_attention({".".join([*inside[1:], last]): None})
        return f"synthesis.{layer}.attention.{rest}"
    if inside == ["biasAct"]:
        return f"synthesis.{layer}.bias"
    if last == "noise_strength":
        return f"synthesis.{layer}.noise_strength"
    conv = [] if name == "conv_last" else ["conv"]
    return ".".join(["synthesis", layer, *conv, *inside, last])
