"""What a run says, from whoever says it to the screen."""
