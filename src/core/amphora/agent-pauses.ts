/** Between tries to give an amphora's agent what it did not take: it may be away for long. */
export const agentPauses = { firstMs: 60_000, longestMs: 3_600_000 };
