package graphqlauth

// DefaultInitTimeout lets tests see the time that a Websocket waits for connection_init.
const DefaultInitTimeout = defaultInitTimeout
