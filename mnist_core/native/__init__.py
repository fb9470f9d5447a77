"""The native engine: C++ in src/, built when drilldown is installed, and how Python calls it."""
