"""Images: folders of images, and the IDX files of MNIST."""
