// Package console has nothing to import. Its tests drive the pages of package auth/admin/console in a real browser,
// headless Chromium, over a small host with stores in memory: the documented flows from start to end, axe-core on every
// page, and pictures of every page for people to look at.
//
//	CHROMIUM     the browser; by default chromium in PATH (Debian: apt-get install chromium)
//	AXE_CORE     axe.min.js of npm's axe-core
//	SCREENSHOTS  the folder that pictures are written to; by default one that is removed again
//
// Without the browser or axe-core the tests that need it skip, and fail if CI is set.
package console
