"""Recipes that train in seconds: a GAN on points, a WGAN-GP and an autoencoder on digits."""

TOY = """
model:
  class_path: ganzoo.models.gan.VanillaGAN
  init_args:
    generator: {class_path: ganzoo.networks.mlp.MLPGenerator,
      init_args: {shape: [2], latent_dim: 2, hidden: [8], squash: false}}
    discriminator: {class_path: ganzoo.networks.mlp.MLPDiscriminator, init_args: {shape: [2], hidden: [8]}}
data: {class_path: ganzoo.data.Toy2D, init_args: {samples: 500}}
quality: {samples: 50}
grid: {samples: 50}
trainer: {max_steps: 4, val_check_interval: 4, log_every_n_steps: 1, accelerator: cpu}
"""
GAN_ON_DIGITS = """
model:
  class_path: ganzoo.models.wgan_gp.WGANGP
  init_args:
    generator: {class_path: ganzoo.networks.mlp.MLPGenerator,
      init_args: {shape: [1, 8, 8], latent_dim: 4, hidden: [16]}}
    discriminator: {class_path: ganzoo.networks.mlp.MLPDiscriminator,
      init_args: {shape: [1, 8, 8], hidden: [16], dropout: 0.0}}
    n_critic: 1
"""
AUTOENCODER = """
model:
  class_path: ganzoo.models.autoencoder.Autoencoder
  init_args:
    encoder: {class_path: ganzoo.networks.autoencoder.MLPEncoder,
      init_args: {shape: [1, 8, 8], code_dim: 4, hidden: [16]}}
    decoder: {class_path: ganzoo.networks.mlp.MLPGenerator, init_args: {shape: [1, 8, 8], latent_dim: 4, hidden: [16]}}
"""
ON_DIGITS = """
data: {class_path: ganzoo.data.Digits}
quality: {samples: 50}
grid: {samples: 16}
trainer: {max_steps: 4, val_check_interval: 1, log_every_n_steps: 1, accelerator: cpu}
"""
GAN_ON_DIGITS += ON_DIGITS
AUTOENCODER += ON_DIGITS
