namespace Troupe.NodeActors.Networking;

/// <summary>What passt needs of a pod's network namespace, since it runs without root's rights: every port, and pings.</summary>
internal static class PasstScript
{
    /// <summary>For `sh -e`. As KubeVirt sets them, for its user 107.</summary>
    public const string Text = """
        echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
        echo '107 107' >/proc/sys/net/ipv4/ping_group_range
        """;
}
