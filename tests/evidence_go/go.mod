// An independent check of Wachter's evidence log. It shares no code with the writer of the log.
module wachter/evidence

go 1.18

// This version builds with Go 1.18 (Debian 12 has 1.19). What is used here of note and tlog is the same in v0.42, which
// does too: go get golang.org/x/mod@v0.42.0. tlog.TileHashReader differs, it left some tiles unchecked in older versions;
// it is not used, every tile is checked from the entries upwards.
require golang.org/x/mod v0.20.0
