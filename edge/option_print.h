/* The table of options for people. [any thread]
 * Apart from options.h, so that main may use getopt's own `struct option`. */
#ifndef EDGE_OPTION_PRINT_H
#define EDGE_OPTION_PRINT_H

#include "edge/base/buf.h"

void option_print_yaml(struct buf *out); /* conf/segue.yaml */
void option_print_help(struct buf *out); /* the list of `segue serve --help` */

#endif
