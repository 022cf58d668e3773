import { describeWhateverIsGone } from '../../../test/kit/whatever-is-gone.ts';
import { loadBalancerFlows } from './index.ts';

describeWhateverIsGone(loadBalancerFlows.filter(({ name }) => name.endsWith('pair')));
