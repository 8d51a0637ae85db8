#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kfuncs that the headers declare are those of the running kernel.
exec vmkfuncs
