/** Checksums on targets: shell which finds a program that knows sha256. */

/** Leaves in `$h` the words of a program which prints the sha256 of its standard input first, or nothing. */
export const FIND_SHA256 =
  'for h in sha256sum "busybox sha256sum" "openssl dgst -sha256 -r" "shasum -a 256" ""; do ' +
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
  '[ "$(command -v ${h%% *})" ] && break; done'
