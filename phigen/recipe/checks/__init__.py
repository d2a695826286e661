"""What a recipe is refused for; one function a claim."""
