using System.Text.Json.Serialization;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;

namespace Troupe.Messages.Protocol.Migration;

/// <summary>
/// A step that the conductor commands. It is repeated until a report shows that it is done, and every end takes it any number of
/// times: <see cref="TargetEpoch"/> is a number that no other attempt to move this guest ever has.
/// </summary>
public interface IMigrationCommand : IDomainCommand
{
    string MigrationId { get; }

    /// <summary>The epoch under which the target is to run the guest, once the right has moved to it.</summary>
    long TargetEpoch { get; }
}

/// <summary>To the target: prepare network and disks in the target pod and listen for the guest's memory. Gives no right to run it.</summary>
/// <param name="Epoch">The target's epoch.</param>
/// <param name="SourceCertificate">The one certificate (DER, base64) whose holder may send the guest.</param>
/// <param name="KeptAddresses">Addresses that the cluster's network will lead to the target pod once the guest runs there; empty where it cannot.</param>
public sealed record PrepareTarget(
    string Node, string VmiUid, long Epoch, string MigrationId, string PodUid, IReadOnlyList<string> PodAddresses, string SourceCertificate,
    IReadOnlyList<string> KeptAddresses, VirtualMachineInstance Vmi) : IMigrationCommand
{
    /// <summary>What runs the guest now; the target refuses what it cannot do as well before anything is sent.</summary>
    public PlatformObservation? Platform { get; init; }

    /// <summary>The guest was paused by its user, and is to be so at the target, too.</summary>
    public bool Paused { get; init; }

    /// <summary>Plugged volumes that the guest has: each is brought to the target's node by a pod of its own, which is there by now.</summary>
    public IReadOnlyList<PluggedVolume> Volumes { get; init; } = [];

    /// <inheritdoc cref="MigrationOptions.Network"/>
    public string? Network { get; init; }

    /// <inheritdoc cref="RunDomain.Bindings"/>
    public IReadOnlyDictionary<string, InterfaceBindingPlugin>? Bindings { get; init; }

    /// <summary>Disks whose content will be copied; room is made for them first.</summary>
    public IReadOnlyList<CopiedVolume> Copies { get; init; } = [];

    [JsonIgnore]
    public long TargetEpoch => Epoch;
}

/// <summary>
/// To the source: send the guest to this endpoint. From here on the source may pass the right to run on to the target, by itself and
/// once: that is what makes a migration independent of agents and control plane.
/// </summary>
/// <param name="Epoch">The epoch under which the source runs the guest.</param>
public sealed record StartMigration(
    string Node, string VmiUid, long Epoch, string MigrationId, long TargetEpoch, MigrationEndpoint Target, MigrationOptions Options) : IMigrationCommand
{
    /// <summary>Disks to copy beside those that live in the launcher's pod.</summary>
    public IReadOnlyList<CopiedVolume> Copies { get; init; } = [];
}

/// <summary>To the source: end the attempt and keep the guest, unless the right was passed on already.</summary>
public sealed record AbortMigration(string Node, string VmiUid, long Epoch, string MigrationId, long TargetEpoch) : IMigrationCommand;

/// <summary>To the target: the right to run is yours, journaled. Run the guest if you have it whole.</summary>
public sealed record AdoptDomain(string Node, string VmiUid, long Epoch, string MigrationId) : IMigrationCommand
{
    [JsonIgnore]
    public long TargetEpoch => Epoch;
}

/// <summary>To the target: the source is no more. Promise never to run the guest, unless the source has passed the right on already.</summary>
public sealed record RefuseMigration(string Node, string VmiUid, long Epoch, string MigrationId) : IMigrationCommand
{
    [JsonIgnore]
    public long TargetEpoch => Epoch;
}

/// <summary>A volume that gets another claim on the way.</summary>
/// <param name="SizeBytes">Of the disk as the guest knows it.</param>
/// <param name="IsBlock">The new claim is a block device, and not a file system with a disk image.</param>
/// <param name="IsPlugged">It was plugged into the running guest.</param>
public sealed record CopiedVolume(string Name, long SizeBytes, bool IsBlock, bool IsPlugged);

public static class MigrationProtocol
{
    /// <summary>TCP port of a target launcher on its pod's address. KubeVirt keeps the same one from guests for its own migrations.</summary>
    public const int Port = 49152;

    /// <summary>Beginning of the reason for which a volume's content is not copied, in KubeVirt's words.</summary>
    public const string DestinationTooSmall = "Volume migration cannot be performed because the destination volume is smaller than the source volume";
}

/// <summary>Where a target launcher listens, and the certificate (DER, base64) by which it is recognised.</summary>
public sealed record MigrationEndpoint(string Address, int Port, string Certificate);

/// <param name="BandwidthBytesPerSecond">0: no limit.</param>
/// <param name="MaxDowntimeMs">How long the guest may stand still at the switch; QEMU switches when what is left fits into it. 0: QEMU's own limit.</param>
/// <param name="ParallelChannels">The most memory streams side by side (multifd); 0 or 1: one.</param>
/// <param name="AllowUnsafe">Disks that libvirt cannot know to be coherent between hosts are known to be by their volumes' access modes.</param>
public sealed record MigrationOptions(
    long BandwidthBytesPerSecond, long MaxDowntimeMs, bool AutoConverge, int ParallelChannels, bool AllowUnsafe, bool CopyDisks)
{
    /// <summary>Seconds for each GiB to copy, after which the guest is paused or the attempt given up; 0: no limit.</summary>
    public long CompletionTimeoutPerGiB { get; init; }

    /// <summary>Seconds in which what is left to copy has to become less; 0: no limit.</summary>
    public long ProgressTimeout { get; init; }

    /// <summary>A copy that does not end by itself may be ended by pausing the guest.</summary>
    public bool AllowWorkloadDisruption { get; init; }

    /// <summary>A copy that does not end by itself may be ended by letting the guest go on at the target before all of its memory is there.</summary>
    public bool AllowPostCopy { get; init; }

    /// <summary><c>zstd</c>, where both ends can.</summary>
    public string? Compression { get; init; }

    /// <summary>The network attachment by which all goes that passes between the launchers; null: the pod network.</summary>
    public string? Network { get; init; }

    /// <summary>How the downtime is widened; null: to what the copy needs, when it needs it.</summary>
    public DowntimeSteps? DowntimeSteps { get; init; }

    /// <summary>How a copy that makes no headway is found and ended; null: by <see cref="ProgressTimeout"/> and the time it may take.</summary>
    public StallDetection? StallDetection { get; init; }
}

/// <summary>The downtime grows from the first to the greatest in equal steps, whatever is left to copy (KubeVirt's downtimeTuning).</summary>
/// <param name="StartAfterIteration">Passes over memory before the first step.</param>
/// <param name="CooldownSeconds">Between two steps.</param>
public sealed record DowntimeSteps(long InitialMs, int Steps, long StartAfterIteration, int CooldownSeconds);

/// <summary>KubeVirt's stallDetector; times in seconds.</summary>
/// <param name="Margin">The part by which what is left may differ and still count as the same.</param>
/// <param name="Window">A copy has stalled when less was left this long ago than is now.</param>
/// <param name="Switchover">How long QEMU may take to switch once the downtime is as great as it may be.</param>
/// <param name="Smoothing">Weight of the newest bandwidth in the mean.</param>
/// <param name="PrecopyPossible">How often the greatest downtime a switch may seem to take.</param>
/// <param name="PatienceDecay">Each time that the hoped for moment does not come, it is waited for this much less long.</param>
/// <param name="CompletionFactor">How often the completion timeout a copy may take in all, once the guest was disturbed for it.</param>
/// <param name="SearchLocalMinima">Whether to wait for a moment when little is left.</param>
public sealed record StallDetection(
    double Margin, double Window, double Switchover, double Smoothing, double PrecopyPossible, double PatienceDecay, double CompletionFactor, bool SearchLocalMinima);
