/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"

static void usage(FILE *f)
{
	fputs("usage: pmipd -c FILE [--check | --flush]\n"
	      "\n"
	      "  -c, --config FILE  configuration (default /etc/pmipd.yaml)\n"
	      "      --check        check the configuration and exit\n"
	      "      --flush        remove what an ended daemon left in the kernel, and exit\n"
	      "      --print-schema the configuration reference as Markdown\n"
	      "      --version\n"
	      "  -h, --help\n"
	      "\n"
	      "Runs in the foreground. SIGHUP reads the configuration again, SIGTERM ends.\n",
	      f);
}

int main(int argc, char **argv)
{
	enum { OPT_CHECK = 256, OPT_FLUSH, OPT_SCHEMA, OPT_VERSION };
	static const struct option options[] = {
	// clang-format off
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, OPT_CHECK},
		{"flush", no_argument, NULL, OPT_FLUSH},
		{"print-schema", no_argument, NULL, OPT_SCHEMA},
		{"version", no_argument, NULL, OPT_VERSION},
		{"help", no_argument, NULL, 'h'},
		{0},
	// clang-format on
	};
	const char *path = "/etc/pmipd.yaml";
	char err[CONFIG_ERR_LEN];
	struct config *cfg;
	struct daemon *d;
	bool check = false, flush = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_FLUSH:
			flush = true;
			break;
		case OPT_SCHEMA:
			config_print_schema(stdout);
			return fflush(stdout) ? 1 : 0;
		case OPT_VERSION:
			puts("pmipd " PMIP_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "pmipd: unexpected argument '%s'\n", argv[optind]);
		usage(stderr);
		return 2;
	}

	if (config_load(&cfg, path, err, sizeof(err))) {
		fprintf(stderr, "pmipd: %s\n", err);
		return 1;
	}
	if (check) {
		printf("%s: ok\n", path);
		config_free(&cfg);
		return 0;
	}
	if (flush) {
		code = daemon_flush(cfg, err, sizeof(err));
		if (code)
			fprintf(stderr, "pmipd: %s\n", err);
		config_free(&cfg);
		return code ? 1 : 0;
	}
	signal(SIGPIPE, SIG_IGN); /* whoever reads the log may go before us */
	if (daemon_start(&d, cfg, path, err, sizeof(err))) {
		fprintf(stderr, "pmipd: %s\n", err);
		return 1;
	}
	code = daemon_run(d);
	daemon_stop(&d);
	return code;
}
