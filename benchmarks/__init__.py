"""The numbers of docs/numbers.md, each measured beside what it is compared with: `make bench`."""
