"""Names of the official StyleGAN2 networks' tensors in ours."""

from ganzoo.checkpoints.importers.stylegan2 import discriminator_name, mapping_name, synthesis_name


def renamed(state, size=16):
    """A mapping's or a discriminator's tensors under our names; filters, which are fixed, left out."""
    names = {
        key: discriminator_name(key, size) if key.startswith(("b", "mapping.")) else of_mapping(key) for key in state
    }
    return {name: state[key] for key, name in names.items() if name}


def of_mapping(key):
    return "w_mean" if key == "w_avg" else mapping_name(key)


def of_synthesis(state):
    """The synthesis' tensors under our names."""
    return {name: value for key, value in state.items() if (name := synthesis_name(key))}
