using System.CommandLine;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Kubernetes.Remoting;

namespace Troupe.ControlPlane.Hosting;

/// <param name="Kubeconfig">Null inside of a pod.</param>
/// <param name="State">Folder for the SQLite journal and the serving certificate.</param>
/// <param name="Remoting">Its address is that of the subresource API, too.</param>
/// <param name="Seeds">Akka addresses of members to join; this one itself when empty.</param>
/// <param name="JournalConnection">PostgreSQL connection string; null for SQLite in <paramref name="State"/>.</param>
/// <param name="UseEmulation">Null: emulate when no node offers /dev/kvm.</param>
/// <param name="QemuTimeoutSeconds">How long a guest may take to start.</param>
/// <param name="Install">Apply the CRDs and the APIService at start.</param>
public sealed record ControlPlaneOptions(
    string? Kubeconfig, string State, RemotingOptions Remoting, int ApiPort, IReadOnlyList<string> Seeds,
    string? JournalConnection, string LauncherImage, bool? UseEmulation, bool Install, string? ServiceName, string ServiceNamespace,
    int QemuTimeoutSeconds)
{
    public const string DefaultLauncherImage = "registry.troupe.local/virt-launcher:latest";

    /// <summary>Runs the program with its command line understood; a wrong one prints what is wrong and ends with 1.</summary>
    public static Task<int> RunAsync(string[] args, Func<ControlPlaneOptions, CancellationToken, Task> program)
    {
        var remoting = new RemotingCommandLine(port: 4053);
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "kubeconfig file; without it the pod's service account" };
        var state = new Option<string>("--state") { Description = "folder for journal and certificates", Required = true };
        var apiPort = new Option<int>("--api-port") { Description = "port of the subresource API (HTTPS)", DefaultValueFactory = _ => 4443 };
        var seeds = new Option<string[]>("--seed") { Description = "HOST:PORT of a cluster member's remoting", DefaultValueFactory = _ => [] };
        var journal = new Option<string?>("--journal-connection") { Description = "PostgreSQL connection string (its password rather in PGPASSWORD or a PGPASSFILE); without it SQLite in --state" };
        var image = new Option<string>("--launcher-image") { Description = "image of virt-launcher", DefaultValueFactory = _ => DefaultLauncherImage };
        var emulation = new Option<bool?>("--use-emulation") { Description = "true or false; without it decided by the nodes' /dev/kvm" };
        var install = new Option<bool>("--install") { Description = "apply CRDs and APIServices at start", DefaultValueFactory = _ => true };
        var service = new Option<string?>("--service") { Description = "Service that leads to the subresource API; without it one that leads to this host" };
        var serviceNamespace = new Option<string>("--service-namespace") { Description = "its namespace", DefaultValueFactory = _ => "kube-system" };
        var timeout = new Option<int>("--launcher-qemu-timeout") { Description = "seconds that a guest may take to start (and up to 120 more)", DefaultValueFactory = _ => LauncherPodOptions.DefaultQemuTimeoutSeconds };
        var command = new RootCommand("Troupe's control plane: VMI actors and the subresource API")
        {
            kubeconfig, state, apiPort, seeds, journal, image, emulation, install, service, serviceNamespace, timeout,
        };
        remoting.AddTo(command);
        command.SetAction(async (parsed, ct) =>
        {
            await program(new ControlPlaneOptions(
                parsed.GetValue(kubeconfig), parsed.GetValue(state)!, remoting.Read(parsed), parsed.GetValue(apiPort), parsed.GetValue(seeds)!,
                parsed.GetValue(journal), parsed.GetValue(image)!, parsed.GetValue(emulation),
                parsed.GetValue(install), parsed.GetValue(service), parsed.GetValue(serviceNamespace)!,
                parsed.GetValue(timeout)), ct);
            return 0;
        });
        return command.Parse(args).InvokeAsync();
    }
}
