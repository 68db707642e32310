/* attach - a child's side of the memory: one client, from the moment it is accepted. */
#ifndef SERVER12_ATTACH_H
#define SERVER12_ATTACH_H

#include "../common/conn.h"

/* Passes memory over `connfd`, and serves in it until the client has had enough, or has gone; does
 * not close `connfd`. In place of conn_serve(). */
void attach(struct worker *worker, int connfd);

#endif
