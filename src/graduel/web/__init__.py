"""A thin server and static pages over the glass box: draw, look inside, train, break, take away."""
