namespace Troupe.Stress.Simulation;

/// <summary>How long things take in a simulation; figures of the order that real ones have on a good host.</summary>
public sealed record SimulationTiming
{
    /// <summary>From the order to a running QEMU.</summary>
    public TimeSpan Launch { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>A target's disks and port.</summary>
    public TimeSpan Prepare { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>From the power button to the end of an obedient guest.</summary>
    public TimeSpan Shutdown { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>Until the guest agent of a running guest is there.</summary>
    public TimeSpan AgentStart { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan CopyStep { get; init; } = TimeSpan.FromMilliseconds(100);
    public TimeSpan Latency { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>A libvirt daemon that died is back.</summary>
    public TimeSpan DaemonRestart { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the launchers' connections take to notice a network that lets nothing through.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(20);
    public TimeSpan ConnectPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A launcher whose guest has ended stays for this long.</summary>
    public TimeSpan Afterlife { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Of each node's link, shared by what goes over it.</summary>
    public double BytesPerSecond { get; init; } = 1 << 30;
}
