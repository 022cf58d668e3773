/** So many of so many. */
export interface Share {
  of: number;
  have: number;
}

/**
 * Fisher's exact test, one-sided: how probable it is that `sample` would have as many as it has, or more, if it did not differ from
 * `reference`. Exact, because errors are few: a normal approximation calls 2 of 200 beside 0 of 1,000 significant, and it is not.
 */
export function chanceOfAsMany(sample: Share, reference: Share): number {
  const total = sample.of + reference.of;
  const marked = sample.have + reference.have;
  const most = Math.min(sample.of, marked);
  if (total === 0 || sample.have > most) return 1;
  let term = Math.exp(
    lnChoose(marked, sample.have) + lnChoose(total - marked, sample.of - sample.have) - lnChoose(total, sample.of),
  );
  let sum = term;
  for (let have = sample.have; have < most; have++) {
    term *= ((marked - have) * (sample.of - have)) / ((have + 1) * (total - marked - sample.of + have + 1));
    sum += term;
    if (term < sum * 1e-12) break;
  }
  return Math.min(1, sum);
}

function lnChoose(n: number, k: number): number {
  return lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k);
}

/** Exact below 16, else Stirling's series: off by less than 1e-10. */
function lnFactorial(n: number): number {
  if (n < 16) {
    let product = 1;
    for (let factor = 2; factor <= n; factor++) product *= factor;
    return Math.log(product);
  }
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
}
