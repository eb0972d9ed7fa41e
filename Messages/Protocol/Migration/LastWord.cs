namespace Troupe.Messages.Protocol.Migration;

/// <summary>
/// In a file that outlives the source launcher: in this attempt the guest has not gone on here since its copy may be whole. It is taken
/// back before anything is done by which the guest could go on, and locked by the launcher for as long as that lives.
/// </summary>
public sealed record LastWord(string VmiUid, string MigrationId, long TargetEpoch);
