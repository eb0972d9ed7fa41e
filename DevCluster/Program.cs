using System.CommandLine;
using Troupe.DevCluster;
using Troupe.DevCluster.Cli;
using Troupe.DevCluster.Nodes;

var state = new Option<string>("--state") { Description = "folder for everything the cluster keeps", Required = true };
var port = new Option<int>("--port") { Description = "loopback port of the API; 0 for any", DefaultValueFactory = _ => 6443 };
var kubeconfig = new Option<string?>("--kubeconfig") { Description = "where to write the admin kubeconfig" };
var nodes = new Option<int>("--nodes") { Description = "simulated nodes", DefaultValueFactory = _ => 1 };
var images = new Option<string[]>("--image-store") { Description = "folder of OCI layouts that is looked into before any registry", DefaultValueFactory = _ => [] };

var serve = new Command("serve", "Run the cluster until SIGTERM; its pods go on running") { state, port, kubeconfig, nodes, images };
serve.SetAction(async (parsed, ct) =>
{
    using var logs = Logs();
    await using var cluster = await DevClusterHost.StartAsync(new DevClusterOptions
    {
        StateDirectory = parsed.GetValue(state)!,
        Port = parsed.GetValue(port),
        KubeconfigPath = parsed.GetValue(kubeconfig),
        Nodes = parsed.GetValue(nodes),
        ImageStores = parsed.GetValue(images)!,
        Logs = logs,
    }, ct);
    Console.WriteLine($"serving {cluster.Url}, kubeconfig {cluster.Kubeconfig}");
    try
    {
        await QuietTimes.KeepSmallAsync(ct);
    }
    catch (OperationCanceledException)
    {
        Console.WriteLine("stopping");
    }
});

var teardown = new Command("teardown", "End all pods and remove everything the nodes made on this machine; objects stay") { state };
teardown.SetAction(async (parsed, _) =>
{
    using var logs = Logs();
    await NodeFleet.TeardownAsync(new NodeFleetOptions { StateDirectory = parsed.GetValue(state)!, Logs = logs });
});

return await new RootCommand("DevCluster: a Kubernetes in one process, for laptops and tests") { serve, teardown, ConsoleCommand.Create() }.Parse(args).InvokeAsync();

static ILoggerFactory Logs() => LoggerFactory.Create(l => l.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff ")));
