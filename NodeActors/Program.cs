using Akka.Hosting;
using Troupe.Kubernetes.Client;
using Troupe.NodeActors.Hosting;
using Troupe.NodeActors.Registration;
using Troupe.NodeActors.Streams;

return await NodeAgentOptions.RunAsync(args, async (options, ct) =>
{
    var builder = Host.CreateApplicationBuilder();
    builder.Logging.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff "));
    using var kubernetes = KubeClient.FromKubeconfig(options.Kubeconfig);
    builder.Services.AddSingleton<IKubeClient>(kubernetes).AddSingleton(options).AddSingleton(TimeProvider.System);
    builder.Services.AddSingleton<ICapabilitiesReader, CapabilitiesReader>().AddHostedService<NodeRegistrar>();
    builder.Services.AddSingleton<IVsock, HostVsock>().AddSingleton<IVsockTrust>(new ClusterVsockTrust(kubernetes, options.ServiceNamespace)).AddHostedService<VsockAuthority>();
    builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka.WithNodeAgent(options));
    await builder.Build().RunAsync(ct);
});
