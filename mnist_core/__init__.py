"""What knows MNIST and torch: configs, nets, data, augmentation and the one training loop."""
