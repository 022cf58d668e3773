import { openInterleavings } from '../support/interleaving.ts';
import { describeInterleavings } from '../support/interleaving-suite.ts';

describeInterleavings('SQLite', { partsAtLast: 1, open: () => openInterleavings() });
