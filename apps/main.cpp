#include "cli/command.h"

int main(int argc, char** argv) { return landfall::cli::run({argv + 1, argv + argc}); }
