"""Reading of images: folders of images, and the IDX files of MNIST."""
