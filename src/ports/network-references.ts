/** What a request refers to in the network, by ID. */
export interface NetworkReferences {
  subnetIds?: readonly string[];
  securityGroupIds?: readonly string[];
  qosPolicyIds?: readonly string[];
}

/** Looks up what users refer to, with their own rights: what is hidden from them is not there. */
export interface NetworkReferenceChecker {
  /**
   * Each is looked up once, however often it is named. REQUEST_INVALID in Octavia's words ("Subnet X not found.") for one
   * that is missing, or that this user may not see.
   * @param userToken of whoever asks. Absent: everything that Kiln itself sees may be used.
   */
  check(references: NetworkReferences, userToken?: string): Promise<void>;
}
