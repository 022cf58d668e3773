/** Outcome of putting values in the place of references. */
export type Substituted = { readonly text: string } | { readonly fault: string };

/** `$$`, `$name`, `${name}`; a name may hold dots, to name a section. As oslo.config's ConfigOpts.Template. */
const reference = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi;

/**
 * Puts the values of other options in the place of `$name`, `${name}` and `$section.name`. `$$` and `\$` stand for a
 * dollar sign; a `$` that begins none of these stays as it is. What is put in is not looked through again.
 * @param lookUp gives the text for a name as it was written, or why there is none.
 */
export function substitute(value: string, lookUp: (name: string) => Substituted): Substituted {
  let fault: string | null = null;
  const text = value.replaceAll('\\$', '$$$$').replace(reference, (whole, dollar, plain, braced) => {
    if (dollar) return '$';
    const found = lookUp(plain ?? braced);
    if ('text' in found) return found.text;
    fault ??= `${whole}: ${found.fault}`;
    return whole;
  });
  return fault === null ? { text } : { fault };
}
