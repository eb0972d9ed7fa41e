using System.Text;
using Troupe.DevCluster.Nodes.Model;
using Troupe.DevCluster.Nodes.Network;

namespace Troupe.DevCluster.Nodes.Containers;

/// <summary>The files that the kubelet manages for a pod: hosts, resolv.conf and hostname.</summary>
internal static class PodFiles
{
    private const int LongestHostname = 63;

    public static string Hostname(Pod pod)
    {
        if (pod.Spec.HostNetwork) return pod.Spec.NodeName;
        var name = pod.Spec.Hostname.Length > 0 ? pod.Spec.Hostname : pod.Name;
        return name.Length <= LongestHostname ? name : name[..LongestHostname].TrimEnd('-', '.');
    }

    public static void Write(string podDirectory, Pod pod, PodAddress address, string clusterDns)
    {
        File.WriteAllText($"{podDirectory}/hostname", Hostname(pod) + "\n");
        File.WriteAllText($"{podDirectory}/etc-hosts", pod.Spec.HostNetwork ? HostNetworkHosts(pod) : Hosts(pod, address.Ip));
        File.WriteAllText($"{podDirectory}/resolv.conf", ResolvConf(pod, File.Exists("/etc/resolv.conf") ? File.ReadAllLines("/etc/resolv.conf") : [], clusterDns));
    }

    private static string HostNetworkHosts(Pod pod) =>
        (File.Exists("/etc/hosts") ? File.ReadAllText("/etc/hosts").TrimEnd('\n') + "\n" : "127.0.0.1\tlocalhost\n") + Aliases(pod);

    private static string Hosts(Pod pod, string ip)
    {
        var hostname = Hostname(pod);
        var full = pod.Spec.Subdomain.Length > 0 ? $"{hostname}.{pod.Spec.Subdomain}.{pod.Namespace}.svc.cluster.local\t" : "";
        return $"""
            # Kubernetes-managed hosts file.
            127.0.0.1	localhost
            ::1	localhost ip6-localhost ip6-loopback
            {ip}	{full}{hostname}

            """ + Aliases(pod);
    }

    private static string Aliases(Pod pod) =>
        string.Concat(pod.Spec.HostAliases.Select(alias => $"{alias.Ip}\t{string.Join('\t', alias.Hostnames)}\n"));

    internal static string ResolvConf(Pod pod, IReadOnlyList<string> host, string clusterDns)
    {
        var config = pod.Spec.DnsConfig ?? new PodDnsConfig();
        var text = new StringBuilder();
        if (pod.Spec.DnsPolicy == "ClusterFirstWithHostNet" || (pod.Spec.DnsPolicy is "" or "ClusterFirst" && !pod.Spec.HostNetwork))
        {
            text.Append($"nameserver {clusterDns}\nsearch {pod.Namespace}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n");
        }
        else if (pod.Spec.DnsPolicy != "None")
        {
            foreach (var line in host.Where(line => line.Length > 0 && line[0] is not ('#' or ';'))) text.Append(line).Append('\n');
        }
        foreach (var server in config.Nameservers) text.Append("nameserver ").Append(server).Append('\n');
        if (config.Searches.Count > 0) text.Append("search ").AppendJoin(' ', config.Searches).Append('\n');
        if (config.Options.Count > 0)
            text.Append("options ").AppendJoin(' ', config.Options.Select(option => option.Value is null ? option.Name : $"{option.Name}:{option.Value}")).Append('\n');
        return text.ToString();
    }
}
