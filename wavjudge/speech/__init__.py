"""Speech written down and text spoken: back ends for candidates that are cascades."""
