import { openInterleavings } from '../kit/interleaving.ts';
import { describeInterleavings } from '../kit/interleaving-suite.ts';

describeInterleavings('SQLite', { partsAtLast: 1, open: () => openInterleavings() });
