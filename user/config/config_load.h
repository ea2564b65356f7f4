/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the file's text to values in structures. libcyaml loads, with a schema that is made from
 * the rows; every scalar arrives as a string and is parsed by config_value.c, because libcyaml
 * takes "10k" for 10, "010" for 8 and any word for true. Private to config/.
 */
#pragma once

#include "config/config_rows.h"
#include "config/config_yaml.h"

/* Fills f (all zero before) with what the file says and the defaults. 0, or -EINVAL with the error
 * line made; what was filled until then stays and is the caller's to clear. */
int config_load_values(struct config_file *f, struct config_yaml *y);
