using Akka.Hosting;
using Troupe.Kubernetes.Client;
using Troupe.NodeActors.Hosting;
using Troupe.NodeActors.Registration;

return await NodeAgentOptions.RunAsync(args, async (options, ct) =>
{
    var builder = Host.CreateApplicationBuilder();
    builder.Logging.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff "));
    using var kubernetes = KubeClient.FromKubeconfig(options.Kubeconfig);
    using var logs = LoggerFactory.Create(l => l.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff ")));
    builder.Services.AddSingleton<IKubeClient>(kubernetes).AddSingleton(options).AddSingleton(TimeProvider.System);
    builder.Services.AddHostedService<NodeRegistrar>();
    builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka.WithNodeAgent(options, TimeProvider.System, logs));
    await builder.Build().RunAsync(ct);
});
