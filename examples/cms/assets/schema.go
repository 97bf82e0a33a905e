package assets

// Schema creates missing tables of this package.
const Schema = `
CREATE TABLE IF NOT EXISTS cms_assets (
	id       TEXT NOT NULL PRIMARY KEY, -- begins with the time in hex, as Cockpit's do: assets are listed in this order
	path     TEXT NOT NULL UNIQUE, -- of the file: /2030/01/31/cat_uid_….png
	folder   TEXT NOT NULL, -- '' is the top
	document TEXT NOT NULL  -- JSON, with these values again
);
CREATE INDEX IF NOT EXISTS cms_assets_listed ON cms_assets (folder, id);
CREATE TABLE IF NOT EXISTS cms_asset_folders (
	id     TEXT NOT NULL PRIMARY KEY,
	parent TEXT NOT NULL, -- '' is the top
	name   TEXT NOT NULL
);
`
