using System.Text.Json;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.NodeActors.Networking;

/// <summary>The spec asks for a network that this agent cannot make; no retry helps.</summary>
public sealed class UnsupportedNetworkException(string message) : Exception(message);

/// <summary>Makes what a guest's interfaces need in its pod's network namespace.</summary>
public interface IPodNetworking
{
    /// <param name="launcherPid">A process inside of the pod.</param>
    /// <param name="keptAddresses">Addresses of the pods that a migrated guest has run in before; its open sessions know it by them.</param>
    /// <exception cref="UnsupportedNetworkException"/>
    /// <exception cref="IOException">A command failed; worth another try.</exception>
    Task<IReadOnlyList<PreparedInterface>> PrepareAsync(int launcherPid, VirtualMachineInstance vmi, IReadOnlyList<string> podAddresses, IReadOnlyList<string> keptAddresses, CancellationToken ct);
}

public sealed class PodNetworking : IPodNetworking
{
    private const string PodLink = "eth0";

    public async Task<IReadOnlyList<PreparedInterface>> PrepareAsync(int launcherPid, VirtualMachineInstance vmi, IReadOnlyList<string> podAddresses, IReadOnlyList<string> keptAddresses, CancellationToken ct)
    {
        // 0 is the answer of SO_PEERCRED about a process in a PID namespace that this agent does not see.
        if (launcherPid <= 0)
            throw new UnsupportedNetworkException("the launcher's process is not visible to the node agent, which must run in the host's PID namespace");
        var interfaces = vmi.Spec?.Domain?.Devices?.Interfaces ?? [];
        List<PreparedInterface> prepared = [];
        for (var i = 0; i < interfaces.Count; i++)
        {
            var nic = interfaces[i];
            if (nic.State is "absent")
                continue;
            var network = (vmi.Spec?.Networks ?? []).FirstOrDefault(n => n.Name == nic.Name);
            if (network?.Pod is not { } pod)
                throw new UnsupportedNetworkException($"spec.networks: network '{nic.Name}' is not the pod network; only that is supported yet");
            if (nic.Masquerade is null)
                throw new UnsupportedNetworkException($"spec.domain.devices.interfaces[{i}]: only the masquerade binding is supported yet");
            if (prepared.Count > 0)
                throw new UnsupportedNetworkException($"spec.domain.devices.interfaces[{i}]: more than one interface is connected to the pod network");
            prepared.Add(await MasqueradeAsync(launcherPid, vmi, nic, pod, podAddresses, keptAddresses, ct).ConfigureAwait(false));
        }

        return prepared;
    }

    private static async Task<PreparedInterface> MasqueradeAsync(int pid, VirtualMachineInstance vmi, Interface nic, PodNetwork pod, IReadOnlyList<string> podAddresses, IReadOnlyList<string> keptAddresses, CancellationToken ct)
    {
        MasqueradeScript script;
        try
        {
            script = MasqueradeScript.Of(nic, pod, PodLink, await MtuAsync(pid, ct).ConfigureAwait(false), IsMultiQueue(vmi.Spec!.Domain!, nic)) with { Kept = keptAddresses };
        }
        catch (FormatException e)
        {
            throw new UnsupportedNetworkException(e.Message);
        }

        await NamespaceCommand.RunAsync(pid, ["sh", "-e", "-s"], script.Text, ct).ConfigureAwait(false);
        var dns = ResolvConf.Parse(await File.ReadAllTextAsync($"/proc/{pid}/root/etc/resolv.conf", ct).ConfigureAwait(false));
        return new PreparedInterface(
            nic.Name!, script.Tap, script.Bridge, nic.MacAddress is { Length: > 0 } mac ? mac : MasqueradeScript.MacFor(vmi.Metadata.Uid!, nic.Name!), script.Mtu,
            $"{script.Guest}/{script.Prefix}", script.Gateway.ToString(), dns.Servers, dns.Search, vmi.Spec!.Hostname ?? vmi.Metadata.Name!.Split('.')[0], podAddresses)
        {
            DhcpOptions = nic.DhcpOptions,
        };
    }

    /// <summary>The launcher gives a virtio interface a queue for each CPU; a tap has to be made for several, and for one, differently.</summary>
    private static bool IsMultiQueue(DomainSpec domain, Interface nic) => domain.Devices?.NetworkInterfaceMultiqueue is true
        && (nic.Model is null or "" or "virtio")
        && Math.Max(1, domain.Cpu?.Sockets ?? 1) * Math.Max(1, domain.Cpu?.Cores ?? 1) * Math.Max(1, domain.Cpu?.Threads ?? 1) > 1;

    private static async Task<int> MtuAsync(int pid, CancellationToken ct)
    {
        // [{"ifname":"eth0","mtu":1500,…}]
        var links = await NamespaceCommand.RunAsync(pid, ["ip", "-j", "link", "show", "dev", PodLink], null, ct).ConfigureAwait(false);
        using var document = JsonDocument.Parse(links);
        return document.RootElement[0].GetProperty("mtu").GetInt32();
    }
}

/// <summary>What a pod's resolv.conf says.</summary>
public sealed record ResolvConf(IReadOnlyList<string> Servers, IReadOnlyList<string> Search)
{
    public static ResolvConf Parse(string text)
    {
        List<string> servers = [], search = [];
        foreach (var words in text.Split('\n').Select(l => l.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)))
        {
            if (words is ["nameserver", var server, ..])
                servers.Add(server);
            else if (words is ["search", .. var domains])
                search = [.. domains];
        }

        return new ResolvConf(servers, search);
    }
}
