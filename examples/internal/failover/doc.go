// Package failover tests nodes beside a PostgreSQL primary that is killed and its standby that is promoted.
package failover
