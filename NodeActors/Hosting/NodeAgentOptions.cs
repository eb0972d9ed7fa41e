using System.CommandLine;
using Troupe.Kubernetes.Remoting;

namespace Troupe.NodeActors.Hosting;

/// <param name="Node">Name of the Node object.</param>
/// <param name="KubeletRoot">Where kubelet keeps its pods, <c>/var/lib/kubelet</c> on a real node.</param>
/// <param name="ContactPoints">Of control-plane members: <c>HOST:PORT</c>, or whole Akka addresses.</param>
/// <param name="Launcher">A virt-launcher binary, to ask for the host's capabilities.</param>
/// <param name="State">Folder for what may be kept between runs.</param>
public sealed record NodeAgentOptions(
    string Node, string? Kubeconfig, string KubeletRoot, IReadOnlyList<string> ContactPoints, RemotingOptions Remoting, string Launcher, string State)
{
    /// <summary>Where the control plane keeps the certificates that are meant for agents.</summary>
    public string ServiceNamespace { get; init; } = "kubevirt";

    public static Task<int> RunAsync(string[] args, Func<NodeAgentOptions, CancellationToken, Task> program)
    {
        var remoting = new RemotingCommandLine(port: 0);
        var node = new Option<string>("--node") { Description = "name of this node", Required = true };
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "kubeconfig file; without it the pod's service account" };
        var root = new Option<string>("--kubelet-root") { Description = "kubelet's folder", DefaultValueFactory = _ => "/var/lib/kubelet" };
        var contacts = new Option<string[]>("--contact-points") { Description = "HOST:PORT of the control plane's remoting", Required = true, AllowMultipleArgumentsPerToken = true };
        var launcher = new Option<string>("--launcher") { Description = "virt-launcher binary", DefaultValueFactory = _ => "/usr/bin/virt-launcher" };
        var state = new Option<string>("--state") { Description = "folder for cached facts", DefaultValueFactory = _ => "/var/lib/troupe" };
        var serviceNamespace = new Option<string>("--service-namespace") { Description = "the control plane's namespace", DefaultValueFactory = _ => "kubevirt" };
        var command = new RootCommand("Troupe's node agent") { node, kubeconfig, root, contacts, launcher, state, serviceNamespace };
        remoting.AddTo(command);
        command.SetAction(async (parsed, ct) =>
        {
            await program(new NodeAgentOptions(
                parsed.GetValue(node)!, parsed.GetValue(kubeconfig), parsed.GetValue(root)!, parsed.GetValue(contacts)!, remoting.Read(parsed),
                parsed.GetValue(launcher)!, parsed.GetValue(state)!)
            { ServiceNamespace = parsed.GetValue(serviceNamespace)! }, ct);
            return 0;
        });
        // The host takes SIGTERM and stops in order; a second handler would cut it short.
        return command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }
}
